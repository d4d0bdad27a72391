"""HalvingPruner on real studies."""

import math

import optuna
import pytest
from optuna.trial import TrialState

from hpo.decision import GO_ON
from hpo.errors import ConfigError
from hpo.pruners import HalvingPruner, report_rung
from hpo.pruning import Direction, halving_decision
from tests.hpo.pruners.studies import frozen, in_memory, reported


def test_the_worst_of_four_is_stopped_and_the_best_is_not() -> None:
    for direction in ("maximize", "minimize"):
        study = in_memory(HalvingPruner(), direction)  # type: ignore[arg-type]
        trials = [reported(study, value) for value in (1.0, 2.0, 3.0, 4.0)]
        stops = [trial.should_prune() for trial in trials]
        assert stops == (
            [True, True, False, False] if direction == "maximize" else [False, False, True, True]
        )


@pytest.mark.parametrize(
    "end", [TrialState.PRUNED, TrialState.COMPLETE, TrialState.RUNNING, TrialState.FAIL]
)
def test_everybody_alive_counts_however_they_ended(end: TrialState) -> None:
    study = in_memory(HalvingPruner())
    for value in (5.0, 6.0, 7.0):
        peer = reported(study, value)
        if end is TrialState.COMPLETE:
            study.tell(peer, value)
        elif end is not TrialState.RUNNING:
            study.tell(peer, state=end)
    assert reported(study, 1.0).should_prune()


def test_who_repeats_another_trial_counts_for_nothing() -> None:
    study = in_memory(HalvingPruner(min_peers=1))
    for _ in range(4):
        trial = study.ask()
        trial.set_user_attr("replicate_of", 0)
        report_rung(trial, 6, 100.0)
    reported(study, 1.0)
    assert not reported(study, 2.0).should_prune()


def test_only_equal_epochs_are_compared() -> None:
    study = in_memory(HalvingPruner())
    for value in (50.0, 60.0, 70.0):
        reported(study, value, epoch=12)
    trial = reported(study, 1.0, epoch=6)
    assert not trial.should_prune()
    trial.report(40.0, step=12)
    assert trial.should_prune()


def test_the_value_here_counts_and_not_the_best_so_far() -> None:
    study = in_memory(HalvingPruner())
    for value in (5.0, 6.0, 7.0):
        reported(study, value, epoch=12)
    fallen = reported(study, 100.0, epoch=6)
    fallen.report(1.0, step=12)
    assert fallen.should_prune()


def test_a_finished_trial_is_not_stopped() -> None:
    study = in_memory(HalvingPruner(last_epoch=18))
    for value in (5.0, 6.0, 7.0):
        reported(study, value, epoch=18)
    assert not reported(study, 1.0, epoch=18).should_prune()


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_verdict_is_the_pure_decisions(direction: Direction) -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, math.nan]
    pruner = HalvingPruner()
    study = in_memory(pruner, direction)
    trials = [reported(study, value) for value in values]
    for i, trial in enumerate(trials):
        pure = halving_decision(
            values[i], values[:i] + values[i + 1 :], direction=direction, epoch=6
        )
        assert pruner.decide(study, frozen(study, trial)) == pure


def test_before_the_first_report_nobody_is_stopped() -> None:
    pruner = HalvingPruner(min_peers=0)
    study = in_memory(pruner)
    trial = study.ask()
    assert pruner.decide(study, frozen(study, trial)) == GO_ON


def test_it_prunes_on_one_measure_while_another_is_optimised() -> None:
    study = in_memory(HalvingPruner(min_peers=1, measure="loss", direction="minimize"))
    for objective, loss in ((1.0, 0.1), (9.0, 0.9)):
        trial = study.ask()
        report_rung(trial, 6, objective, {"loss": loss})
    assert trial.should_prune()
    with pytest.raises(ConfigError, match="direction: got none for the measure 'loss'"):
        HalvingPruner(measure="loss")


def test_in_a_loop_that_optuna_runs() -> None:
    study = in_memory(HalvingPruner(last_epoch=18))

    def objective(trial: optuna.Trial) -> float:
        quality = float([5, 4, 3, 9, 1, 8][trial.number])
        for epoch in (6, 18):
            trial.report(quality * epoch, step=epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return quality

    study.optimize(objective, n_trials=6)
    ends = [trial.state.name for trial in study.trials]
    assert ends == ["COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE", "PRUNED", "COMPLETE"]
    assert study.best_trial.number == 3
    assert study.trials[4].user_attrs["outcome"]["kind"] == "halving"


def test_what_was_stored_when_it_was_stopped_stays() -> None:
    study = in_memory(HalvingPruner(min_peers=1))
    reported(study, 5.0)
    trial = reported(study, 1.0)
    assert trial.should_prune()
    before = dict(frozen(study, trial).user_attrs)
    reported(study, 6.0)
    assert trial.should_prune()
    assert frozen(study, trial).user_attrs == before
    assert before["outcome"]["reason"] == "place 2 of 2 at epoch 6; the best 1 go on"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"factor": 1}, "factor: got 1; wanted at least 2"),
        ({"min_peers": -1}, "min_peers: got -1"),
        ({"n_warmup_steps": -1}, "n_warmup_steps: got -1"),
        ({"interval_steps": 0}, "interval_steps: got 0"),
        ({"direction": "up"}, "direction: got 'up'"),
    ],
)
def test_impossible_arguments(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        HalvingPruner(**changed)  # type: ignore[arg-type]
