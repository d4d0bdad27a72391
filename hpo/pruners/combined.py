"""Several pruners as one, ours and Optuna's; Hyperband keeps its brackets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, cast

import optuna
from optuna.pruners import BasePruner, HyperbandPruner
from optuna.trial import FrozenTrial

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.pruners.rule_pruner import DecidingPruner, check_single_objective
from hpo.pruning.combination import first_stop

PRUNER = "pruner"  # the kind of a stop that another library's pruner made


class CombinedPruner(DecidingPruner):
    """Asks pruners in their order; the first that stops decides, and its reason stays.

    Samplers look whether a study's pruner is a Hyperband, and then learn from the trials of one
    bracket at a time. So with a Hyperband among the pruners the combination is one too.

    Args:
        pruners: at least one, ours or any of Optuna's; at most one a Hyperband.

    Raises:
        ConfigError: for none, for something else or for two Hyperbands.

    >>> pruner = CombinedPruner([optuna.pruners.MedianPruner(), HyperbandPruner()])
    >>> isinstance(pruner, HyperbandPruner)
    True
    """

    def __new__(cls, pruners: Sequence[BasePruner] = ()) -> Self:
        """Make a combination that is a Hyperband where one of the pruners is."""
        if cls is CombinedPruner and any(isinstance(p, HyperbandPruner) for p in pruners):
            return super().__new__(cast("type[Self]", CombinedHyperbandPruner))
        return super().__new__(cls)

    def __init__(self, pruners: Sequence[BasePruner]) -> None:
        wrong = [type(p).__name__ for p in pruners if not isinstance(p, BasePruner)]
        if wrong or not pruners:
            raise ConfigError(f"pruners: got {wrong or 'none'}; wanted Optuna pruners, 1 or more.")
        if sum(isinstance(p, HyperbandPruner) for p in pruners) > 1:
            raise ConfigError("pruners: got two Hyperbands; wanted one: a trial has one bracket.")
        self.pruners = tuple(pruners)

    def decide(self, study: optuna.Study, trial: FrozenTrial) -> Decision:
        """Return the first stop as its pruner gave it, else going on."""
        check_single_objective(study)
        return first_stop(_ask(pruner, study, trial) for pruner in self.pruners)


class CombinedHyperbandPruner(CombinedPruner, HyperbandPruner):
    """A combination that is a Hyperband to samplers; its brackets are those of its Hyperband.

    `CombinedPruner` makes it where one is among the pruners.

    Args:
        pruners: one of them a Hyperband.
    """

    def __init__(self, pruners: Sequence[BasePruner]) -> None:
        super().__init__(pruners)
        self._hyperband = next(p for p in self.pruners if isinstance(p, HyperbandPruner))

    # The two doors through which samplers reach the brackets (`optuna.pruners._filter_study`).

    def _get_bracket_id(self, study: optuna.Study, trial: FrozenTrial) -> int:
        return self._hyperband._get_bracket_id(study, trial)

    def _create_bracket_study(self, study: optuna.Study, bracket_id: int) -> optuna.Study:
        return self._hyperband._create_bracket_study(study, bracket_id)


def _ask(pruner: BasePruner, study: optuna.Study, trial: FrozenTrial) -> Decision:
    if isinstance(pruner, DecidingPruner):
        return pruner.decide(study, trial)
    return stop_by(pruner, trial) if pruner.prune(study, trial) else GO_ON


def stop_by(pruner: BasePruner, trial: FrozenTrial) -> Decision:
    """Return the stop that a pruner without reasons made, in words.

    Args:
        pruner: that stopped the trial.
        trial: as it was then.
    """
    name, epoch = type(pruner).__name__, trial.last_step
    value = "nothing" if epoch is None else f"{trial.intermediate_values[epoch]:g}"
    return Decision(
        True, f"{name} stopped it: {value} reported at epoch {epoch}", PRUNER, {"pruner": name}
    )
