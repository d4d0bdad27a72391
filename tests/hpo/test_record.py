"""Rows of real Optuna studies, with every kind of trial in them."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import Trial, TrialState

from hpo.ordering import PROBE
from hpo.record import RUNG, TrialRow, read_rows


@pytest.fixture(params=["memory", "sqlite"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[optuna.Study]:
    if request.param == "memory":
        yield optuna.create_study(direction="maximize")
        return
    storage = RDBStorage(f"sqlite:///{tmp_path}/study.db")
    yield optuna.create_study(storage=storage, direction="maximize")
    storage.engine.dispose()


def measured(trial: Trial, epoch: int, objective: float, **values: float) -> None:
    trial.set_user_attr(f"{RUNG}{epoch}", values)
    trial.report(objective, step=epoch)


def pruned(study: optuna.Study, outcome: dict[str, str] | None) -> None:
    trial = study.ask()
    if outcome is not None:
        trial.set_user_attr("outcome", outcome)
    study.tell(trial, state=TrialState.PRUNED)


def only(study: optuna.Study, *, running: bool = False) -> TrialRow:
    (row,) = read_rows(study, running=running)
    return row


def test_a_study_without_trials(study: optuna.Study) -> None:
    assert read_rows(study, running=True) == []


def test_the_state_of_every_kind_of_trial(study: optuna.Study) -> None:
    study.tell(study.ask(), 1.0)
    for kind in ("collapse", "halving", "budget", "", "something new", "zone"):
        pruned(study, {"kind": kind, "reason": f"because of {kind}"})
    pruned(study, None)
    pruned(study, {})
    study.tell(study.ask(), state=TrialState.FAIL)
    study.ask()
    study.enqueue_trial({"lr": 0.1})
    expected = [
        "finished",
        "collapsed",
        "pruned",
        "out of budget",
        "pruned",
        "pruned",
        "out of zone",
        "pruned",
        "pruned",
        "failed",
    ]
    at_work, alone = read_rows(study, running=True), read_rows(study, running=False)
    assert [row.state for row in at_work] == [*expected, "running", "waiting"]
    assert [row.state for row in alone] == [*expected, "interrupted", "waiting"]
    assert [row.number for row in alone] == list(range(12))
    assert alone[1].reason == "because of collapse"
    assert [row.reason for row in alone if row.number in (0, 7, 8, 9, 10, 11)] == [""] * 6


def test_a_finished_trial_reads_in_full(study: optuna.Study) -> None:
    trial = study.ask()
    trial.suggest_float("lr", 0.1, 0.1)
    trial.set_user_attr("hyperparameters", {"lr": 0.1, "var": 25.0})
    measured(trial, 6, 10.0, rankme=10.0, alpha_req=1.4, moved=0.1)
    measured(trial, 18, 12.0, rankme=12.0, alpha_req=1.1, moved=0.3)
    trial.set_user_attr("seconds", {"train": 3.5, "measure": 0.5})
    study.tell(trial, 12.0)
    probe = {"cross_validated": 0.8, "reported": 0.7}
    study.set_user_attr(f"{PROBE}0", probe)
    study.set_user_attr(f"{PROBE}untrained", {"cross_validated": 0.1})
    row = only(study)
    assert row == TrialRow(
        number=0,
        state="finished",
        epoch=18,
        objective=12.0,
        values={"rankme": 12.0, "alpha_req": 1.1, "moved": 0.3},
        reason="",
        train_seconds=3.5,
        measure_seconds=0.5,
        hyperparameters={"lr": 0.1, "var": 25.0},
        probe=probe,
        rungs=(6, 18),
    )
    assert (row.alpha, row.moved) == (1.1, 0.3)


@pytest.mark.parametrize("end", ["ask", "wait", "fail"])
def test_a_trial_of_which_nothing_is_known(study: optuna.Study, end: str) -> None:
    if end == "wait":
        study.enqueue_trial({"lr": 0.1})
    else:
        trial = study.ask()
        if end == "fail":
            study.tell(trial, state=TrialState.FAIL)
    row = only(study)
    assert (row.epoch, row.reason, row.train_seconds, row.measure_seconds) == (0, "", 0.0, 0.0)
    assert math.isnan(row.objective)
    assert math.isnan(row.alpha)
    assert math.isnan(row.moved)
    assert (row.values, row.hyperparameters, row.probe) == ({}, {}, {})


def test_the_last_rung_is_the_largest_number_and_not_the_last_word(study: optuna.Study) -> None:
    trial = study.ask()
    for epoch in (9, 100, 27):
        measured(trial, epoch, float(epoch), rankme=float(epoch))
    row = only(study)
    assert (row.epoch, row.objective, row.values) == (100, 100.0, {"rankme": 100.0})


def test_measured_but_not_yet_reported(study: optuna.Study) -> None:
    """A process may die between the two: the objective is then unknown, not the one before."""
    trial = study.ask()
    measured(trial, 6, 1.0)
    trial.set_user_attr(f"{RUNG}18", {"rankme": 2.0})
    row = only(study)
    assert row.epoch == 18
    assert math.isnan(row.objective)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_undefined_measures_survive_the_storage(study: optuna.Study, value: float) -> None:
    measured(study.ask(), 6, value, alpha_req=value)
    row = only(study)
    assert repr(row.alpha) == repr(value)
    assert repr(row.objective) == repr(value)


def test_without_a_record_the_hyperparameters_are_optunas(study: optuna.Study) -> None:
    study.ask().suggest_categorical("optimizer", ["sgd"])
    assert only(study).hyperparameters == {"optimizer": "sgd"}


def test_other_attributes_are_no_rungs(study: optuna.Study) -> None:
    trial = study.ask()
    for name in ("collapse", "seconds_", "rungs"):
        trial.set_user_attr(name, "x")
    assert only(study).epoch == 0


def test_a_failed_trial_keeps_its_reason(study: optuna.Study) -> None:
    trial = study.ask()
    trial.set_user_attr("outcome", {"kind": "error", "reason": "RuntimeError: out of memory"})
    study.tell(trial, state=TrialState.FAIL)
    row = only(study)
    assert (row.state, row.reason) == ("failed", "RuntimeError: out of memory")


def test_a_replicate_says_whose_and_under_which_seed(study: optuna.Study) -> None:
    trial = study.ask()
    assert (only(study).replicate_of, only(study).seed) == (None, None)
    trial.set_user_attr("replicate_of", 0)
    trial.set_user_attr("seed", 17)
    row = only(study)
    assert (row.replicate_of, row.seed) == (0, 17)


def test_the_kind_of_an_end_and_what_was_decided_at_each_rung(study: optuna.Study) -> None:
    trial = study.ask()
    decisions = {
        6: {"order": 2, "stop": False, "kind": "", "reason": "", "evidence": {}},
        18: {"order": 4, "stop": True, "kind": "zone", "reason": "out", "evidence": {"value": 2.1}},
    }
    for epoch, decision in decisions.items():
        trial.set_user_attr(f"decision/{epoch}", decision)
    trial.set_user_attr("outcome", {"kind": "zone", "reason": "out"})
    study.tell(trial, state=TrialState.PRUNED)
    row = only(study)
    assert (row.state, row.kind, row.reason) == ("out of zone", "zone", "out")
    assert row.decisions == decisions


def test_somebody_elses_study_may_say_no_more_than_that_a_trial_collapsed(
    study: optuna.Study,
) -> None:
    trial = study.ask()
    trial.set_user_attr("collapse", "all embeddings are one")
    row = only(study, running=True)
    assert (row.state, row.kind, row.reason) == ("running", "", "")
    study.tell(trial, state=TrialState.PRUNED)
    row = only(study)
    assert (row.state, row.kind, row.reason) == ("collapsed", "collapse", "all embeddings are one")


def test_what_a_trial_spent_over_all_its_attempts(study: optuna.Study) -> None:
    trial = study.ask()
    measured(trial, 6, 1.0)
    trial.set_user_attr("seconds", {"train": 3.0, "measure": 0.5})
    trial.set_user_attr("images_per_second", 1000 / 3)
    row = only(study)
    assert (row.spent_epochs, row.spent_images, row.n_images, row.seconds) == (6.0, 1000, 1000, 3.5)
    trial.set_user_attr("spent", {"epochs": 9.5, "images": 1500, "device_seconds": 5.0})
    row = only(study)
    assert (row.spent_epochs, row.spent_images, row.n_images) == (9.5, 1500, 1000)
    assert row.spent["device_seconds"] == 5.0


def test_reading_changes_nothing(study: optuna.Study) -> None:
    measured(study.ask(), 6, 1.0, rankme=1.0)

    def snapshot() -> list[Any]:
        trials = study.get_trials(deepcopy=True)
        return [(t.state, t.user_attrs, t.intermediate_values) for t in trials]

    before = snapshot()
    first, second = read_rows(study, running=True), read_rows(study, running=True)
    assert first == second
    assert snapshot() == before
