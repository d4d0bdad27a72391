"""What is read from anybody's study, and what is reported to it."""

import math
from dataclasses import asdict

import optuna
from optuna.trial import TrialState

from hpo.history import Finding, Reading
from hpo.pruners import history_for, read_history, reading_of, report_rung
from tests.hpo.pruners.studies import DEAD, attrs, frozen, reported


def test_a_report_is_read_as_it_was_made() -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.set_user_attr("order/6", 7)
    report_rung(trial, 2, 1.5)
    report_rung(trial, 6, 2.5, {"alpha_req": 1.1}, DEAD)
    first = Reading(0, 2, 1.5)
    second = Reading(0, 6, 2.5, {"alpha_req": 1.1}, DEAD, order=7)
    assert reading_of(frozen(study, trial)) == second
    assert reading_of(frozen(study, trial), 2) == first
    assert reading_of(frozen(study, trial), 3) is None
    assert read_history(study).readings == (first, second)


def test_a_study_that_knows_nothing_of_us_is_read_too() -> None:
    study = optuna.create_study()
    for number in range(3):
        trial = study.ask()
        trial.report(float(number), step=number)
    study.ask()
    history = read_history(study)
    assert history.readings == tuple(Reading(n, n, float(n)) for n in range(3))
    assert (history.collapsed, history.probed) == (frozenset(), {})
    assert reading_of(study.trials[3]) is None


def test_who_only_says_that_it_is_dead_has_a_finding_at_its_last_step() -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.report(1.0, 2)
    trial.report(2.0, 6)
    trial.set_user_attr("collapse", "a point")
    readings = read_history(study).readings
    assert [reading.finding for reading in readings] == [
        None,
        Finding("collapse", "training", "a point", clear=True),
    ]
    assert read_history(study).collapsed == {0}


def test_a_stored_finding_is_not_made_up_again_at_the_last_step() -> None:
    study = optuna.create_study()
    trial = reported(study, 1.0, epoch=2, finding=DEAD)
    report_rung(trial, 6, 2.0)
    trial.set_user_attr("collapse", DEAD.reason)
    assert [reading.finding for reading in read_history(study).readings] == [DEAD, None]


def test_a_decision_to_stop_a_collapse_makes_it_dead_and_no_other_does() -> None:
    """The attribute `collapse` comes after the decision: who reads in between must know."""
    study = optuna.create_study()
    for stop, kind in ((True, "collapse"), (True, "zone"), (False, "")):
        trial = reported(study, 1.0)
        trial.set_user_attr("decision/6", {"order": 2, "stop": stop, "kind": kind})
    assert read_history(study).collapsed == {0}


def test_failed_trials_are_read_and_replicates_are_not() -> None:
    study = optuna.create_study()
    study.tell(reported(study, 1.0), state=TrialState.FAIL)
    replicate = study.ask()
    replicate.set_user_attr("replicate_of", 0)
    replicate.set_user_attr("collapse", "dead")
    replicate.report(3.0, 6)
    history = read_history(study)
    assert [reading.trial for reading in history.readings] == [0]
    assert history.collapsed == frozenset()
    # But whoever judges the replicate itself sees it beside the others.
    own = history_for(study, frozen(study, replicate))
    assert [reading.trial for reading in own.readings] == [1, 0]
    assert own.collapsed == {1}


def test_what_a_decision_looks_at_holds_every_reading_once_and_no_other_epoch() -> None:
    study = optuna.create_study()
    for epochs in ((2, 6), (2, 6), (2,)):
        trial = study.ask()
        for epoch in epochs:
            trial.report(float(epoch), epoch)
    found = [(r.trial, r.epoch) for r in history_for(study, study.trials[0]).readings]
    assert sorted(found) == [(0, 2), (0, 6), (1, 6)]


def test_probes_of_trials_are_read_and_those_of_nothing_are_not() -> None:
    study = optuna.create_study()
    for name, accuracy in (("0", 0.5), ("12", 0.75), ("untrained", 0.1), ("pixels", 0.2)):
        study.set_user_attr(f"probe/{name}", {"cross_validated": accuracy, "order": 3})
    study.set_user_attr("probe/4", {"order": 9})
    probed = dict(read_history(study).probed)
    assert math.isnan(probed.pop(4))
    assert probed == {0: 0.5, 12: 0.75}


def test_a_report_stores_what_it_means_before_the_value() -> None:
    """Whoever sees the value sees its attributes."""
    study = optuna.create_study()
    trial = study.ask()
    order: list[str] = []
    set_user_attr, report = trial.set_user_attr, trial.report
    trial.set_user_attr = lambda key, value: (order.append(key), set_user_attr(key, value))  # type: ignore[assignment,method-assign]
    trial.report = lambda value, step: (order.append("report"), report(value, step))  # type: ignore[assignment,method-assign]
    report_rung(trial, 6, 1.0, {"loss": 2.0}, DEAD)
    assert order == ["rung/6", "finding/6", "report"]
    assert attrs(study, trial) == {"rung/6": {"loss": 2.0}, "finding/6": asdict(DEAD)}


def test_without_measures_nothing_but_the_value_is_stored() -> None:
    study = optuna.create_study()
    trial = study.ask()
    report_rung(trial, 6, math.nan)
    assert attrs(study, trial) == {}
    assert list(frozen(study, trial).intermediate_values) == [6]
