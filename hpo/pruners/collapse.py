"""Stops collapsed trials, in any Optuna study."""

from __future__ import annotations

from collections.abc import Iterable

import optuna
from optuna.trial import FrozenTrial

from hpo.decision import Decision
from hpo.history import Rule
from hpo.pruners.reading import COLLAPSE, reading_of
from hpo.pruners.rule_pruner import RulePruner
from hpo.pruning import CollapseRule


class CollapsePruner(RulePruner):
    """Stops a trial whose representation is dead, and tells the sampler that it is infeasible.

    A trial says what was seen with `report_rung(…, finding=findings(…))`; or that it is dead,
    with the user attribute `collapse` (the reason), set before `should_prune` is asked.

    Args:
        kinds: of collapse that count; None for all: see `hpo.pruning.CollapseRule`.
        patience: rungs in a row at which a collapse near its threshold must be seen, >= 1.

    Raises:
        ConfigError: for an unknown kind or a patience below 1.

    >>> study = optuna.create_study(pruner=CollapsePruner())
    >>> trial = study.ask()
    >>> trial.set_user_attr("collapse", "all embeddings are equal")
    >>> trial.should_prune(), study.trials[0].constraints
    (True, {'collapse': 1.0})
    """

    def __init__(self, kinds: Iterable[str] | None = None, patience: int = 2) -> None:
        super().__init__()
        self._rule = CollapseRule(None if kinds is None else frozenset(kinds), patience)

    def rule(self, study: optuna.Study) -> Rule:
        """Return the rule; it is the same for all studies."""
        return self._rule

    def decide(self, study: optuna.Study, trial: FrozenTrial) -> Decision:
        """Return the verdict on a trial by its newest report, with its reason.

        Returns:
            The rule's decision. A trial that said it is dead before its first report stops.
        """
        decision = super().decide(study, trial)
        said = trial.user_attrs.get(COLLAPSE)
        if said and reading_of(trial) is None:
            return Decision(True, str(said), "collapse")
        return decision
