"""Ray's scheduler and searcher of a study, fed with recorded histories instead of workers."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from hpo.deciding import report_and_decide
from hpo.history import Finding
from hpo.interruption import Interrupted
from hpo.ray_tune.reports import Report
from hpo.rules import rules_of
from hpo.trial_runner import TrialsFailedError
from tests.hpo.ray_tune.driven import Driven, record
from tests.hpo.studies import tiny

FINDINGS = [
    None,
    {"kind": "constant", "layer": "backbone", "reason": "variance 0", "clear": True},
    {"kind": "shrunk", "layer": "projector", "reason": "variance 0.1", "clear": False},
]
RECORDS = st.builds(
    record,
    st.sampled_from([1.0, 2.0, 3.0, 5.0, 8.0]),
    st.sampled_from([0.5, 0.9, 1.0, 1.1, 1.4, 2.0]),
    st.sampled_from([None, None, None, *FINDINGS[1:]]),
)
OPTIONS: dict[str, Any] = {"objective": "rankme", "epochs": 9, "trials": 6, "sampler": "random"}


def verdicts(study: optuna.Study) -> list[dict[str, Any]]:
    """What every trial was decided, with its place and evidence."""
    return [
        {k: v for k, v in t.user_attrs.items() if k.startswith(("decision/", "order/", "finding/"))}
        for t in study.get_trials()
    ]


def decided_by_the_rules(
    out: Path, events: list[int], records: list[list[Any]], rungs: tuple[int, ...], **options: Any
) -> tuple[optuna.Study, list[bool]]:
    """The same history through `report_and_decide` alone."""
    study = optuna.create_study(direction="maximize")
    rule = rules_of(tiny(out, **OPTIONS, **options), direction="maximize")
    trials = [study.ask() for _ in records]
    at, stopped = [0] * len(records), list[bool]()
    for number in events:
        if at[number] >= len(rungs):
            continue
        rung, said = rungs[at[number]], records[number][at[number]]
        found = None if said["finding"] is None else Finding(**said["finding"])
        values = said["values"]
        decision = report_and_decide(trials[number], rung, values["rankme"], values, found, rule)
        at[number] = len(rungs) if decision.stop else at[number] + 1
        stopped.append(decision.stop)
    return study, stopped


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), prune=st.booleans(), filtered=st.booleans())
def test_the_same_history_gets_the_same_verdicts_as_from_the_rules(
    tmp_path: Path, data: st.DataObject, prune: bool, filtered: bool
) -> None:
    n_trials = data.draw(st.integers(1, 6))
    options = {"prune": prune, "filter": filtered}
    driven = Driven(tmp_path, **OPTIONS | {"trials": n_trials}, **options)
    rungs = driven.rungs
    records = [[data.draw(RECORDS) for _ in rungs] for _ in range(n_trials)]
    events = data.draw(st.permutations([n for n in range(n_trials) for _ in rungs]))

    assert [driven.suggest() for _ in range(n_trials)] == list(range(n_trials))
    assert driven.suggest() is None
    at, stopped = [0] * n_trials, list[bool]()
    for number in events:
        if at[number] >= len(rungs):
            continue
        rung = rungs[at[number]]
        answer = driven.result(number, rung, records[number][at[number]])
        at[number] = len(rungs) if answer == "STOP" else at[number] + 1
        decided = driven.study.get_trials()[number].user_attrs[f"decision/{rung}"]
        # At its end a trial stops as well; that is no verdict on it.
        assert (answer == "STOP") == (decided["stop"] or rung == rungs[-1])
        stopped.append(decided["stop"])

    reference, expected = decided_by_the_rules(tmp_path, events, records, rungs, **options)
    assert driven.driver.error is None
    assert stopped == expected
    assert verdicts(driven.study) == verdicts(reference)
    for trial in driven.study.get_trials():
        last = [v for k, v in trial.user_attrs.items() if k.startswith("decision/") and v["stop"]]
        assert trial.state == (TrialState.PRUNED if last else TrialState.COMPLETE)
        if last:
            wanted = {"kind": last[0]["kind"], "reason": last[0]["reason"]}
            assert trial.user_attrs["outcome"] == wanted
            assert ("collapse" in trial.constraints) == (wanted["kind"] == "collapse")


def test_the_last_result_handed_on_twice_counts_once(tmp_path: Path) -> None:
    driven = Driven(tmp_path, **OPTIONS)
    number = driven.suggest()
    assert number == 0
    report = Report(
        "same", 1, 1, record(5.0), (1,), n_images=1000, train_seconds=2.0, whole=(2.0, 1.0, 1000)
    )
    assert [driven.hand_on(0, report) for _ in range(2)] == ["CONTINUE", "CONTINUE"]
    spent = driven.study.get_trials()[0].user_attrs["spent"]
    assert (spent["images"], spent["device_seconds"]) == (1000, 2.0)


def test_a_training_that_diverges_is_told_as_collapsed_at_the_rung_it_missed(
    tmp_path: Path,
) -> None:
    driven = Driven(tmp_path, **OPTIONS)
    driven.suggest()
    assert driven.result(0, 1, record(5.0)) == "CONTINUE"
    said = {"epoch": 2, "rungs_measured": (1,), "diverged": "the loss is not finite in epoch 3"}
    assert driven.result(0, 0, None, **said) == "STOP"
    trial = driven.study.get_trials()[0]
    assert trial.state == TrialState.PRUNED
    assert trial.constraints == {"collapse": 1.0}
    assert "decision/3" in trial.user_attrs
    wanted = {"kind": "collapse", "reason": "not finite: the loss is not finite in epoch 3"}
    assert trial.user_attrs["outcome"] == wanted


def test_the_way_to_the_next_rung_is_claimed_and_refused_beyond_the_budget(
    tmp_path: Path,
) -> None:
    driven = Driven(tmp_path, **OPTIONS | {"trials": None}, budget="10 epochs", replicates=0)
    assert (driven.suggest(), driven.suggest()) == (0, 1)
    assert driven.result(0, 1, record(5.0), n_images=0) == "CONTINUE"
    assert driven.study.get_trials()[0].user_attrs["claimed"]["epochs"] == 2
    assert driven.result(1, 1, record(5.0), n_images=0) == "CONTINUE"
    assert driven.result(0, 3, record(5.0), n_images=0) == "CONTINUE"
    assert driven.result(1, 3, record(5.0), n_images=0) == "STOP"
    trial = driven.study.get_trials()[1]
    assert trial.state == TrialState.PRUNED
    assert trial.user_attrs["outcome"]["kind"] == "budget"
    assert trial.constraints == {}


def test_time_that_is_spent_stops_a_trial_between_its_rungs(tmp_path: Path) -> None:
    driven = Driven(tmp_path, **OPTIONS | {"trials": None}, budget="1h")
    driven.suggest()
    assert driven.result(0, 0, None, epoch=1) == "CONTINUE"
    driven.meter.started -= 7200
    driven.runner.ledger._stale_at = -1e9
    assert driven.result(0, 0, None, epoch=2) == "STOP"
    assert driven.study.get_trials()[0].user_attrs["outcome"]["kind"] == "budget"


def test_what_failed_in_a_worker_fails_the_trial_and_three_in_a_row_end_the_run(
    tmp_path: Path,
) -> None:
    driven = Driven(tmp_path, **OPTIONS)
    for number in range(3):
        assert driven.suggest() == number
        assert driven.result(number, 0, None, error="RuntimeError: no luck") == "STOP"
    assert {t.state for t in driven.study.get_trials()} == {TrialState.FAIL}
    wanted = {"kind": "error", "reason": "RuntimeError: no luck"}
    assert driven.study.get_trials()[0].user_attrs["outcome"] == wanted
    assert isinstance(driven.driver.error, TrialsFailedError)
    assert driven.driver.must_stop()


def test_a_trial_that_ray_gives_up_fails_with_the_reason(tmp_path: Path) -> None:
    driven = Driven(tmp_path, **OPTIONS)
    driven.suggest()
    driven.give_up(0)
    trial = driven.study.get_trials()[0]
    assert trial.state == TrialState.FAIL
    assert trial.user_attrs["outcome"] == {"kind": "error", "reason": "its process died"}


def test_three_trials_in_a_row_that_ray_gives_up_end_the_run(tmp_path: Path) -> None:
    driven = Driven(tmp_path, **OPTIONS)
    for number in range(3):
        assert driven.suggest() == number
        driven.driver.died(number, "its process died: no memory")
        driven.driver.died(number, "its process died: no memory")
        driven.give_up(number)
    said = "its process died (3 times: given up)"
    assert [t.user_attrs["outcome"]["reason"] for t in driven.study.get_trials()] == 3 * [said]
    assert isinstance(driven.driver.error, TrialsFailedError)
    assert driven.suggest() is None


def test_a_fault_of_a_node_stops_everything_and_leaves_the_trial_running(tmp_path: Path) -> None:
    driven = Driven(tmp_path, **OPTIONS)
    driven.suggest()
    assert driven.result(0, 0, None, fault=OSError("no space")) == "NOOP"
    assert isinstance(driven.driver.error, OSError)
    assert driven.driver.must_stop()
    assert driven.suggest() is None
    assert driven.study.get_trials()[0].state == TrialState.RUNNING


def test_a_signal_stops_everything_at_the_next_look(tmp_path: Path) -> None:
    driven = Driven(tmp_path, **OPTIONS)
    driven.suggest()
    assert not driven.driver.must_stop()
    driven.flag.signal_name = "SIGTERM"
    assert driven.driver.must_stop()
    assert isinstance(driven.driver.error, Interrupted)
    driven.searcher.on_trial_complete("ray-0")
    assert driven.study.get_trials()[0].state == TrialState.RUNNING


def test_a_trial_that_tune_stops_for_no_reason_of_its_own_goes_on_next_time(
    tmp_path: Path,
) -> None:
    driven = Driven(tmp_path, **OPTIONS)
    driven.suggest()
    driven.searcher.on_trial_complete("ray-0")
    assert driven.driver.error is None
    assert driven.study.get_trials()[0].state == TrialState.RUNNING


@pytest.mark.parametrize("part", ["driver", "searcher", "scheduler"])
def test_tune_may_copy_and_save_every_part_and_gets_no_state(part: str, tmp_path: Path) -> None:
    whole = getattr(Driven(tmp_path, **OPTIONS), part)
    assert copy.deepcopy(whole) is whole
    assert (
        pickle.loads(pickle.dumps(whole)) == f"a {type(whole).__name__} of a driver that has ended"
    )
