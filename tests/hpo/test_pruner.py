"""RungPruner on real Optuna studies, in memory and in SQLite."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import Trial, TrialState

from hpo.decision import GO_ON
from hpo.pruner import RungPruner
from hpo.pruning import Direction, halving_decision

LAST = 18
NewStudy = Callable[..., optuna.Study]


@pytest.fixture(params=["memory", "sqlite"])
def new_study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewStudy]:
    storages: list[RDBStorage] = []

    def make(direction: Direction = "maximize", **changed: int) -> optuna.Study:
        storage = None
        if request.param == "sqlite":
            storage = RDBStorage(f"sqlite:///{tmp_path}/{len(storages)}.db")
            storages.append(storage)
        pruner = RungPruner(last_epoch=LAST, **changed)
        return optuna.create_study(storage=storage, direction=direction, pruner=pruner)

    yield make
    for storage in storages:
        storage.engine.dispose()


@pytest.fixture
def in_memory() -> NewStudy:
    def make(direction: Direction = "maximize", **changed: int) -> optuna.Study:
        pruner = RungPruner(last_epoch=LAST, **changed)
        return optuna.create_study(direction=direction, pruner=pruner)

    return make


def reported(study: optuna.Study, value: float, epoch: int = 6, collapse: str = "") -> Trial:
    trial = study.ask()
    if collapse:
        trial.set_user_attr("collapse", collapse)
    trial.report(value, step=epoch)
    return trial


def reason(study: optuna.Study, trial: Trial) -> str:
    assert isinstance(study.pruner, RungPruner)
    return study.pruner.decide(study, study.trials[trial.number]).reason


def test_the_worst_of_four_is_stopped_and_the_best_is_not(new_study: NewStudy) -> None:
    study = new_study()
    trials = [reported(study, value) for value in (1.0, 2.0, 3.0, 4.0)]
    assert [trial.should_prune() for trial in trials] == [True, True, False, False]
    assert reason(study, trials[0]) == "place 4 of 4 at epoch 6; the best 2 go on"


def test_minimising(new_study: NewStudy) -> None:
    study = new_study("minimize")
    trials = [reported(study, value) for value in (1.0, 2.0, 3.0, 4.0)]
    assert [trial.should_prune() for trial in trials] == [False, False, True, True]


def test_a_collapsed_trial_is_stopped_however_good_it_looks(new_study: NewStudy) -> None:
    study = new_study()
    trial = reported(study, 1e9, collapse="backbone collapsed, constant")
    assert trial.should_prune()
    assert reason(study, trial) == "backbone collapsed, constant"


@pytest.mark.parametrize("end", [TrialState.PRUNED, TrialState.RUNNING])
def test_collapsed_trials_count_for_nothing(new_study: NewStudy, end: TrialState) -> None:
    study = new_study(min_peers=1)
    for _ in range(5):
        dead = reported(study, 100.0, collapse="dead")
        if end is not TrialState.RUNNING:
            study.tell(dead, state=end)
    reported(study, 0.0)
    assert not reported(study, 1.0).should_prune()


def test_failed_trials_count_for_nothing(new_study: NewStudy) -> None:
    """A failed trial may be tried again, and would then stand against its own second try."""
    study = new_study(min_peers=1)
    for _ in range(5):
        study.tell(reported(study, 100.0), state=TrialState.FAIL)
    reported(study, 0.0)
    assert not reported(study, 1.0).should_prune()


def test_undefined_peers_count_for_nothing_and_survive_storage(new_study: NewStudy) -> None:
    study = new_study()
    for value in (math.nan, math.inf, 5.0, 6.0):
        reported(study, value)
    assert not reported(study, 1.0).should_prune()
    reported(study, 7.0)
    assert reported(study, 1.0).should_prune()


def test_an_undefined_value_does_not_win(new_study: NewStudy) -> None:
    study = new_study()
    for value in (1.0, 2.0, 3.0):
        reported(study, value)
    assert reported(study, math.nan).should_prune()


@pytest.mark.parametrize("end", [TrialState.PRUNED, TrialState.COMPLETE, TrialState.RUNNING])
def test_everybody_else_counts(in_memory: NewStudy, end: TrialState) -> None:
    study = in_memory()
    for value in (5.0, 6.0, 7.0):
        peer = reported(study, value)
        if end is TrialState.COMPLETE:
            study.tell(peer, value)
        elif end is TrialState.PRUNED:
            study.tell(peer, state=end)
    assert reported(study, 1.0).should_prune()


def test_only_equal_epochs_are_compared(in_memory: NewStudy) -> None:
    study = in_memory()
    for value in (50.0, 60.0, 70.0):
        reported(study, value, epoch=12)
    trial = reported(study, 1.0, epoch=6)
    assert not trial.should_prune()
    trial.report(40.0, step=12)
    assert trial.should_prune()


def test_the_value_here_counts_and_not_the_best_so_far(in_memory: NewStudy) -> None:
    study = in_memory()
    for value in (5.0, 6.0, 7.0):
        reported(study, value, epoch=12)
    fallen = reported(study, 100.0, epoch=6)
    fallen.report(1.0, step=12)
    assert fallen.should_prune()


def test_fewer_peers_than_wanted_stop_nobody(in_memory: NewStudy) -> None:
    study = in_memory(min_peers=4)
    for value in (5.0, 6.0, 7.0):
        reported(study, value)
    trial = reported(study, 1.0)
    assert not trial.should_prune()
    reported(study, 8.0)
    assert trial.should_prune()


@pytest.mark.parametrize(("factor", "kept"), [(2, 3), (3, 2), (6, 1)])
def test_one_in_factor_goes_on(in_memory: NewStudy, factor: int, kept: int) -> None:
    study = in_memory(factor=factor)
    trials = [reported(study, float(value)) for value in range(6)]
    assert sum(not trial.should_prune() for trial in trials) == kept


@pytest.mark.parametrize("epoch", [LAST, LAST + 1])
def test_a_finished_trial_is_only_stopped_by_a_collapse(in_memory: NewStudy, epoch: int) -> None:
    study = in_memory()
    for value in (5.0, 6.0, 7.0):
        reported(study, value, epoch=epoch)
    assert not reported(study, 1.0, epoch=epoch).should_prune()
    assert reported(study, 1.0, epoch=epoch, collapse="dead").should_prune()


def test_before_the_first_report_nobody_is_stopped(in_memory: NewStudy) -> None:
    study = in_memory()
    for value in (5.0, 6.0, 7.0):
        reported(study, value)
    trial = study.ask()
    assert not trial.should_prune()
    assert isinstance(study.pruner, RungPruner)
    assert study.pruner.decide(study, study.trials[trial.number]) == GO_ON


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_verdict_is_the_pure_decisions(in_memory: NewStudy, direction: Direction) -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    study = in_memory(direction)
    trials = [reported(study, value) for value in values]
    assert isinstance(study.pruner, RungPruner)
    for i, trial in enumerate(trials):
        peers = values[:i] + values[i + 1 :]
        pure = halving_decision(values[i], peers, direction=direction, epoch=6)
        assert study.pruner.decide(study, study.trials[trial.number]) == pure


def test_in_a_loop_that_optuna_runs(new_study: NewStudy) -> None:
    study = new_study()

    def objective(trial: Trial) -> float:
        quality = float([5, 4, 3, 9, 1, 8][trial.number])
        for epoch in (6, LAST):
            trial.report(quality * epoch, step=epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return quality

    study.optimize(objective, n_trials=6)
    ends = [trial.state.name for trial in study.trials]
    assert ends == ["COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE", "PRUNED", "COMPLETE"]
    assert study.best_trial.number == 3
