"""What a trial is told to be: pruned by whichever pruner, dead, or never the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import optuna
import pytest
from optuna.pruners import MedianPruner, SuccessiveHalvingPruner, ThresholdPruner
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from hpo.errors import ConfigError
from hpo.label_free import label_free_objective
from hpo.pruners import CollapsePruner, CombinedPruner, GoldilocksPruner, HalvingPruner
from hpo.pruning import GOLDILOCKS
from objectives import rankme
from tests.hpo.label_free.studies import features, only, studied


class Loop:
    """A training function that says how far it came, and whether it tidied up."""

    def __init__(self, value_of: Callable[[int], Any]) -> None:
        self.value_of, self.epochs, self.closed = value_of, list[int](), 0

    def __call__(self, trial: optuna.Trial) -> Iterator[Any]:
        try:
            for epoch in range(1, 5):
                self.epochs.append(epoch)
                yield epoch, self.value_of(trial.number)
        finally:
            self.closed += 1


@pytest.mark.parametrize(
    ("pruner", "kind"),
    [
        (ThresholdPruner(upper=1.5), "pruner"),
        (MedianPruner(n_startup_trials=1), "pruner"),
        (SuccessiveHalvingPruner(min_resource=1, reduction_factor=2), "pruner"),
        (HalvingPruner(factor=2, min_peers=1), "halving"),
        (GoldilocksPruner(zone=GOLDILOCKS, measure="alpha_req"), "zone"),
        (CombinedPruner([CollapsePruner(), HalvingPruner(2, min_peers=1)]), "halving"),
    ],
)
def test_a_pruned_function_is_closed_and_tidies_up(
    pruner: optuna.pruners.BasePruner, kind: str
) -> None:
    loop = Loop(lambda number: features(decay=(0.1, 0.6)[number]))
    study = studied(label_free_objective(loop, objective="rankme"), 2, pruner=pruner)
    last = study.trials[-1]
    assert (last.state, last.user_attrs["outcome"]["kind"]) == (TrialState.PRUNED, kind)
    assert last.last_step == loop.epochs[-1] < 4
    assert loop.closed == 2


@pytest.mark.parametrize("kind", ["constant", "not finite"])
def test_a_dead_trial_is_infeasible_and_ends_at_once(kind: str) -> None:
    dead = {"constant": features() * 1e-4 + 1.0, "not finite": features() / 0.0}[kind]
    loop = Loop(lambda number: dead)
    trial = only(studied(label_free_objective(loop, objective="rankme")))
    assert (trial.state, trial.constraints) == (TrialState.PRUNED, {"collapse": 1.0})
    assert kind in trial.user_attrs["outcome"]["reason"]
    assert (loop.epochs, loop.closed) == ([1], 1)


def test_without_pruning_a_dead_trial_goes_on_and_is_told_at_its_end() -> None:
    loop = Loop(lambda number: features() * 1e-4 + 1.0)
    objective = label_free_objective(loop, objective="rankme", prune=False)
    trial = only(studied(objective, pruner=optuna.pruners.NopPruner()))
    assert (trial.state, trial.constraints) == (TrialState.PRUNED, {"collapse": 1.0})
    assert loop.epochs == [1, 2, 3, 4]


def test_a_collapse_pruner_of_the_study_decides_by_its_own_settings() -> None:
    loop = Loop(lambda number: features() * 1e-4 + 1.0)
    pruner = CombinedPruner([CollapsePruner(kinds={"dimensional"})])
    trial = only(studied(label_free_objective(loop, objective="rankme"), pruner=pruner))
    assert loop.epochs == [1, 2, 3, 4]
    assert trial.state == TrialState.PRUNED  # at the end a dead one can never be chosen


def test_a_network_that_did_not_move_is_never_the_best() -> None:
    def still(trial: optuna.Trial) -> Iterator[Any]:
        for epoch in range(2):
            yield epoch, features()

    study = studied(label_free_objective(still, objective="rankme"))
    assert only(study).constraints["unmoved"] == pytest.approx(0.1)
    with pytest.raises(ValueError, match="feasible"):
        _ = study.best_trial
    free = studied(label_free_objective(still, objective="rankme", least_moved=0.0))
    assert only(free).constraints == {}


@pytest.mark.parametrize(
    "sampler",
    [
        lambda: optuna.samplers.TPESampler(n_startup_trials=2, seed=0),
        lambda: optuna.samplers.GPSampler(n_startup_trials=2, seed=0),
        lambda: optuna.samplers.NSGAIISampler(population_size=2, seed=0),
        lambda: optuna.samplers.QMCSampler(seed=0),
        lambda: optuna.samplers.BruteForceSampler(seed=0),
        lambda: optuna.samplers.GridSampler({"decay": [0.1, 0.3, 0.5, 0.7, 0.9]}, seed=0),
    ],
    ids=["tpe", "gp", "nsga2", "qmc", "brute force", "grid"],
)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_every_sampler_lives_with_dead_trials_and_constraints(
    sampler: Callable[[], BaseSampler],
) -> None:
    def some_die(trial: optuna.Trial) -> Iterator[Any]:
        decay = trial.suggest_float("decay", 0.1, 0.9, step=0.2)
        yield 0, features()
        yield (
            1,
            features(decay=decay, seed=1) * (1e-4 if trial.number == 1 else 1.0)
            + (1.0 if trial.number == 1 else 0.0),
        )

    study = studied(label_free_objective(some_die, objective="rankme"), 5, sampler=sampler())
    states = [trial.state for trial in study.trials]
    assert states.count(TrialState.PRUNED) == 1
    assert states.count(TrialState.COMPLETE) == 4
    assert study.best_trial.number != 1


def test_a_report_of_ones_own_is_in_the_way() -> None:
    def reports(trial: optuna.Trial) -> Iterator[Any]:
        trial.report(3.0, step=1)
        yield 1, features()

    with pytest.raises(ConfigError, match=r"Leave its trial\.report"):
        studied(label_free_objective(reports, objective="rankme"))


def test_a_trial_that_optuna_retries_may_bring_its_reports() -> None:
    loop = Loop(lambda number: features())
    objective = label_free_objective(loop, objective="rankme")
    study = optuna.create_study(direction=objective.direction)
    lost = optuna.trial.create_trial(
        state=TrialState.WAITING, intermediate_values={1: rankme(features())}
    )
    study.add_trial(lost)
    study.optimize(objective, n_trials=1)
    assert sorted(only(study).intermediate_values) == [1, 2, 3, 4]
    assert only(study).state == TrialState.COMPLETE
