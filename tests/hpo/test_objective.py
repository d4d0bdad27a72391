"""Trials of a study in this process: stopped in the middle, and repeated under other seeds."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from torch import Tensor

from hpo.budget import Budget
from hpo.checkpoint import load_checkpoint
from hpo.interruption import Interrupted, StopFlag
from hpo.measuring import Gauge, Initial
from hpo.meter import Meter
from hpo.sharing import trainings
from hpo.training import Training, TrainingPlan
from hpo.trial_runner import Reports, TrialRunner
from hpo.trial_training import TrialTraining
from tests.hpo.made_study import MadeStudy, make_study

OPTIONS: dict[str, Any] = {"labels": False, "max_images": 330}
OTHER_SEED = 100_003


def initial_of(made: MadeStudy) -> Initial:
    workload = made.workload
    workload.gauge.on_batch = lambda: None  # tests with the same options share one
    plan = workload.plan({**workload.space.defaults, **workload.space.fixed})
    return workload.gauge.initial(workload.begin(plan).learner, workload.train)


class Runs:
    """What runs trials of a study, and what it was told."""

    def __init__(self, made: MadeStudy, flag: StopFlag | None = None) -> None:
        self.made, self.flag = made, flag or StopFlag()
        self.epochs: list[int] = []
        self.at_epoch: Callable[[int], None] = lambda epoch: None
        meter = Meter(made.study, Budget(), self.flag, started=time.monotonic())
        reports = Reports(epoch=self._epoch)
        self.runner = TrialRunner(
            made.study, made.directory, made.workload, initial_of(made), meter, reports
        )

    def _epoch(self, number: int, epoch: int) -> None:
        self.epochs.append(epoch)
        self.at_epoch(epoch)

    def ask_to_stop(self) -> None:
        self.flag.signal_name = "SIGINT"

    def before_step(self, number: int, do: Callable[[], None]) -> None:
        """Have something done before a step of the training, counted from 0."""
        begin = self.runner.objective.begin

        def begun(plan: TrainingPlan) -> Training:
            training = begin(plan)
            original = training._step

            def own_step(views: list[Tensor], step: int) -> Tensor:
                if step == number:
                    do()
                return original(views, step)

            training._step = own_step  # type: ignore[method-assign]
            return training

        self.runner.objective.begin = begun

    def run(self, trial: optuna.Trial) -> FrozenTrial:
        assert self.runner.run(trial) == ""
        return self.made.study.get_trials(deepcopy=False)[trial.number]


def asked(made: MadeStudy, lr: float = 1e-3, **attrs: Any) -> optuna.Trial:
    space = made.workload.space
    drawn = {**space.defaults, **space.fixed, "lr": lr}
    made.study.enqueue_trial({}, user_attrs={"hyperparameters": drawn, **attrs})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Heartbeat of storage")
        return made.study.ask()


def measured(frozen: FrozenTrial) -> dict[str, dict[str, float]]:
    """All measures by rung, but for the time they took."""
    return {
        key: {name: value for name, value in values.items() if name != "seconds"}
        for key, values in frozen.user_attrs.items()
        if key.startswith("rung/")
    }


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    return make_study(tmp_path / "study", **OPTIONS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> FrozenTrial:
    """A trial that nobody disturbed: rungs at epochs 1, 2 and 6."""
    made = make_study(tmp_path_factory.mktemp("whole") / "study", **OPTIONS)
    return Runs(made).run(asked(made))


def stop_and_go_on(made: MadeStudy, runs: Runs, at_epoch: int) -> tuple[FrozenTrial, list[int]]:
    """Stop a trial, hold that it is kept as it was at an epoch, and let another process go on.

    Returns the trial at its end, and the epochs that it trained after the stop.
    """
    trial = asked(made)
    with pytest.raises(Interrupted):
        runs.run(trial)
    path = made.directory.newest_checkpoint(trial.number)
    assert path is not None
    assert load_checkpoint(path)["training"]["epoch"] == at_epoch
    again = Runs(made.again())
    frozen = again.run(optuna.Trial(again.made.study, trial._trial_id))
    assert not made.directory.between_rungs(trial.number).exists()
    return frozen, again.epochs


def test_a_stop_between_two_rungs_loses_no_epoch(made: MadeStudy, whole: FrozenTrial) -> None:
    runs = Runs(made)

    def ask(epoch: int) -> None:
        if epoch == 4:
            runs.ask_to_stop()

    runs.at_epoch = ask
    frozen, after = stop_and_go_on(made, runs, at_epoch=4)
    assert set(after) == {1, 2, 5, 6}  # the first two are rungs, read from the checkpoint
    assert measured(frozen) == measured(whole)
    assert frozen.user_attrs["spent"]["images"] == whole.user_attrs["spent"]["images"]


def test_a_short_epoch_is_finished_when_somebody_asks_in_its_middle(
    made: MadeStudy, whole: FrozenTrial
) -> None:
    runs = Runs(made)

    steps = made.workload.images_per_epoch // made.workload.config.batch_size
    runs.before_step(3 * steps + 1, runs.ask_to_stop)
    frozen, _ = stop_and_go_on(made, runs, at_epoch=4)
    assert measured(frozen) == measured(whole)
    assert frozen.user_attrs["spent"]["images"] == whole.user_attrs["spent"]["images"]


def test_a_stop_while_a_rung_is_measured_keeps_the_training_and_the_rung_to_do(
    made: MadeStudy, whole: FrozenTrial
) -> None:
    runs, kept = Runs(made), list[int]()
    gauge, tick = made.workload.gauge, made.workload.gauge.on_batch

    def ask() -> None:
        runs.ask_to_stop()
        tick()

    gauge.on_batch = ask
    runs.runner.objective.on_measured = lambda number, training: kept.append(training.epoch)
    frozen, after = stop_and_go_on(made, runs, at_epoch=1)
    assert kept == []
    assert set(after) == set(range(1, 7))
    assert measured(frozen) == measured(whole)


def test_what_follows_a_measure_is_done_again_when_it_was_stopped(made: MadeStudy) -> None:
    runs, kept = Runs(made), list[int]()

    def stop(number: int, training: Training) -> None:
        raise Interrupted("SIGTERM")

    runs.runner.objective.on_measured = stop
    trial = asked(made)
    with pytest.raises(Interrupted, match="SIGTERM"):
        runs.run(trial)
    again = Runs(made.again())
    again.runner.objective.on_measured = lambda number, training: kept.append(training.epoch)
    again.run(optuna.Trial(again.made.study, trial._trial_id))
    assert kept == [1, 2, 6]


def test_an_error_while_an_epoch_is_finished_for_a_stop_is_the_stop(made: MadeStudy) -> None:
    """A signal to all processes of a group ends those that train with us too."""

    def lost() -> None:
        raise RuntimeError("a process was lost")

    runs, trial = Runs(made), asked(made)
    runs.before_step(1, runs.ask_to_stop)
    runs.before_step(2, lost)
    with pytest.raises(Interrupted):
        runs.run(trial)
    again = Runs(made.again())
    assert again.made.study.get_trials()[trial.number].state == TrialState.RUNNING
    # The same without a stop is what it was: the trial's own end.
    again.before_step(2, lost)
    error = again.runner.run(optuna.Trial(again.made.study, trial._trial_id))
    assert error == "RuntimeError: a process was lost"


@pytest.fixture
def short(tmp_path: Path) -> MadeStudy:
    return make_study(tmp_path / "study", **OPTIONS, epochs=1)


def test_a_replicate_that_learns_nothing_has_not_moved_either(tmp_path: Path) -> None:
    """From its own weights, that is: other weights are half the way to anywhere."""
    # Steps enough for BatchNorm's statistics, which are part of what has not moved.
    made = make_study(tmp_path / "study", **OPTIONS, epochs=3, batch_size=16)
    runs = Runs(made)
    own = runs.run(asked(made, lr=1e-9))
    again = runs.run(asked(made, lr=1e-9, replicate_of=0, seed=OTHER_SEED))
    moved = [frozen.user_attrs["rung/3"]["moved"] for frozen in (own, again)]
    assert max(moved) < 0.05
    assert moved[0] != moved[1]


def test_a_replicate_is_measured_against_the_network_that_it_starts_from(
    short: MadeStudy,
) -> None:
    frozen = Runs(short).run(asked(short, replicate_of=0, seed=OTHER_SEED))
    workload = short.workload
    plan = workload.plan(frozen.user_attrs["hyperparameters"], OTHER_SEED)
    untrained = workload.gauge.initial(workload.begin(plan).learner, workload.train)
    by_hand = TrialTraining(workload.begin(plan), workload.gauge, untrained)
    by_hand.reach(1)
    expected = by_hand.measure()["values"]
    found = measured(frozen)["rung/1"]
    assert found == {name: value for name, value in expected.items() if name != "seconds"}


def test_other_trials_pay_nothing_for_it(short: MadeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, calls = Runs(short), list[int]()
    original = Gauge.initial

    def initial(gauge: Gauge, *arguments: Any) -> Initial:
        calls.append(1)
        return original(gauge, *arguments)

    monkeypatch.setattr(Gauge, "initial", initial)
    runs.run(asked(short))
    assert calls == []
    runs.run(asked(short, replicate_of=0, seed=OTHER_SEED))
    assert calls == [1]


def test_a_replicate_that_goes_on_is_still_measured_against_its_beginning(
    tmp_path: Path,
) -> None:
    made = make_study(tmp_path / "study", **OPTIONS, epochs=2, rung_factor=2)
    undisturbed = Runs(made).run(asked(made, replicate_of=0, seed=OTHER_SEED))
    runs = Runs(made)

    runs.at_epoch = lambda epoch: runs.ask_to_stop()
    trial = asked(made, replicate_of=0, seed=OTHER_SEED)
    with pytest.raises(Interrupted):
        runs.run(trial)
    again = Runs(made.again())
    frozen = again.run(optuna.Trial(again.made.study, trial._trial_id))
    assert measured(frozen) == measured(undisturbed)


@pytest.mark.slow
def test_a_replicate_on_two_devices_has_its_own_network_too(tmp_path: Path) -> None:
    given = {"epochs": 3, "batch_size": 16, "devices": 2, "device": "cpu"}
    made = make_study(tmp_path / "study", **OPTIONS, **given)
    runs = Runs(made)
    with trainings(made.workload) as runs.runner.objective.begin:
        frozen = runs.run(asked(made, lr=1e-9, replicate_of=0, seed=OTHER_SEED))
    assert frozen.user_attrs["rung/3"]["moved"] < 0.05
