"""The decisions of `hpo.pruning` as an Optuna pruner; it keeps no state of its own."""

from __future__ import annotations

from typing import Literal

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from hpo.decision import GO_ON, Decision
from hpo.pruning import halving_decision


class RungPruner(BasePruner):
    """Stops collapsed trials, and those outside the top 1/factor at their rung.

    A trial says that it has collapsed with the user attribute `collapse` (the reason), set before
    `should_prune` is asked. Collapsed and failed trials count for nothing in others' verdicts.

    Args:
        factor: one living trial in `factor` goes on at each rung.
        min_peers: with fewer other trials at a rung, halving stops nobody there.
        last_epoch: at this epoch a trial is finished and only a collapse stops it.
    """

    def __init__(self, *, factor: int = 3, min_peers: int = 3, last_epoch: int) -> None:
        self.factor, self.min_peers, self.last_epoch = factor, min_peers, last_epoch

    def decide(self, study: optuna.Study, trial: FrozenTrial) -> Decision:
        """Return the verdict with its reason."""
        collapse = trial.user_attrs.get("collapse")
        if collapse:
            return Decision(True, str(collapse), "collapse")
        epoch = trial.last_step
        if epoch is None or epoch >= self.last_epoch:
            return GO_ON
        peers = [
            other.intermediate_values[epoch]
            for other in study.get_trials(deepcopy=False)
            if other.number != trial.number
            and epoch in other.intermediate_values
            and "collapse" not in other.user_attrs
            and other.state != TrialState.FAIL
        ]
        direction: Literal["maximize", "minimize"] = (
            "maximize" if study.direction == optuna.study.StudyDirection.MAXIMIZE else "minimize"
        )
        return halving_decision(
            trial.intermediate_values[epoch],
            peers,
            direction=direction,
            epoch=epoch,
            factor=self.factor,
            min_peers=self.min_peers,
        )

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Optuna's door to `decide`."""
        return self.decide(study, trial).stop
