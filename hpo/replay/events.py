"""What happened in a study, one event after another, in the order in which it was recorded."""

from __future__ import annotations

from dataclasses import dataclass

from hpo.decision import Decision
from hpo.history import Reading


@dataclass(frozen=True)
class Report:
    """A trial was measured at a rung.

    Args:
        order: place among all events of the study.
        reading: what was measured.
    """

    order: int
    reading: Reading

    @property
    def trial(self) -> int:
        """Its number."""
        return self.reading.trial


@dataclass(frozen=True)
class Verdict:
    """It was decided whether a trial goes on after a rung.

    Args:
        order: place among all events of the study.
        trial: its number.
        epoch: of the rung.
        decision: that was made; None where the study recorded none at all.
    """

    order: int
    trial: int
    epoch: int
    decision: Decision | None


@dataclass(frozen=True)
class Probe:
    """A trial was probed.

    Args:
        order: place among all events of the study.
        trial: its number.
        accuracy: cross-validated, in [0, 1].
    """

    order: int
    trial: int
    accuracy: float


@dataclass(frozen=True)
class BreakOff:
    """A trial ended without a verdict at a rung: no rule could have foreseen it.

    Args:
        order: place among all events of the study.
        trial: its number.
        kind: "collapse" where the training itself broke, "budget" or "error".
        reason: that was recorded.
    """

    order: int
    trial: int
    kind: str
    reason: str


Event = Report | Verdict | Probe | BreakOff
