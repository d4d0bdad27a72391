"""Several rules as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import History, Reading, Rule


@dataclass(frozen=True)
class FirstStop:
    """Asks rules in their order; the first that stops decides, and its reason stays.

    Args:
        rules: at least one.

    Raises:
        ConfigError: for none.
    """

    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        if not self.rules:
            raise ConfigError("rules: got none; wanted at least one.")

    def decide(self, reading: Reading, history: History) -> Decision:
        """Judge a trial by its newest reading.

        Returns:
            The first stop as its rule gave it; else going on, with what rules had to say.
        """
        return first_stop(rule.decide(reading, history) for rule in self.rules)


def first_stop(decisions: Iterable[Decision]) -> Decision:
    """Return the first decision to stop, and ask for no further one.

    Args:
        decisions: in their order; lazily made ones after a stop are never made.

    Returns:
        The stop as it is; else going on with all reasons there were.

    >>> first_stop([Decision(False, "seen once"), Decision(True, "too far", "zone")]).reason
    'too far'
    >>> first_stop([Decision(False, "seen once"), GO_ON]).reason
    'seen once'
    """
    reasons = []
    for decision in decisions:
        if decision.stop:
            return decision
        if decision.reason:
            reasons.append(decision.reason)
    return Decision(False, "; ".join(reasons)) if reasons else GO_ON
