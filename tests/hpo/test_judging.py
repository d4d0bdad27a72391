"""What is made of a rung's measures: recorded, decided, and told to the sampler."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import filelock
import optuna
import pytest

from hpo.decision import GO_ON, Decision
from hpo.history import Finding, History, Reading
from hpo.judging import Judging, record_stop
from hpo.storage import StudyDirectory
from objectives import get_measure


class Asked:
    """A rule that keeps whom it was asked about, and whether the order was held meanwhile."""

    def __init__(self, lock: Path, verdict: Decision = GO_ON) -> None:
        self.lock, self.verdict = lock, verdict
        self.readings: list[Reading] = []
        self.held: list[bool] = []

    def decide(self, reading: Reading, history: History) -> Decision:
        self.readings.append(reading)
        # Another object on the same file is as good as another process.
        other = filelock.FileLock(self.lock)
        try:
            other.acquire(timeout=0)
        except filelock.Timeout:
            self.held.append(True)
        else:
            other.release()
            self.held.append(False)
        return self.verdict


class Court:
    """A judging with a rule for trials and one for replicates."""

    def __init__(self, out: Path, measure: str, verdict: Decision) -> None:
        directory = StudyDirectory(out)
        directory.prepare()
        lock = out / ".deciding.lock"
        self.rule, self.for_replicates = Asked(lock, verdict), Asked(lock)
        self.judging = Judging(get_measure(measure), self.rule, self.for_replicates, directory)
        self.study = optuna.create_study(storage=f"sqlite:///{out}/study.db")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "study"


def court(out: Path, measure: str = "rankme", verdict: Decision = GO_ON) -> Court:
    out.mkdir()
    return Court(out, measure, verdict)


def record(finding: Finding | None = None, /, **values: float) -> dict[str, Any]:
    return {"values": values, "finding": None if finding is None else vars(finding)}


def stored(study: optuna.Study) -> optuna.trial.FrozenTrial:
    return study.get_trials(deepcopy=False)[0]


@pytest.mark.parametrize(
    ("measure", "value", "objective"),
    [("rankme", 7.5, 7.5), ("alpha_req", 0.75, 0.25), ("alpha_req", 1.5, 0.5)],
)
def test_the_objective_is_reported_and_all_measures_are_kept(
    out: Path, measure: str, value: float, objective: float
) -> None:
    given = court(out, measure)
    decision, told = given.judging.decide(given.study.ask(), 6, record(**{measure: value, "x": 1}))
    assert (decision, told) == (GO_ON, objective)
    assert stored(given.study).intermediate_values == {6: objective}
    assert stored(given.study).user_attrs["rung/6"] == {measure: value, "x": 1}
    assert "finding/6" not in stored(given.study).user_attrs


def test_the_decision_is_the_rules_and_is_stored_with_its_evidence(out: Path) -> None:
    verdict = Decision(True, "fell behind", "halving", {"place": 4})
    given = court(out, verdict=verdict)
    decision, _ = given.judging.decide(given.study.ask(), 6, record(rankme=2.0))
    assert decision == verdict
    kept = stored(given.study).user_attrs["decision/6"]
    assert {k: kept[k] for k in ("stop", "kind", "evidence")} == {
        "stop": True,
        "kind": "halving",
        "evidence": {"place": 4},
    }


def test_the_collapse_that_was_seen_reaches_the_rule_as_it_was(out: Path) -> None:
    given = court(out)
    found = Finding("dimensional", "projector", "rank 1.1", clear=False)
    given.judging.decide(given.study.ask(), 6, record(found, rankme=1.1))
    assert given.rule.readings[0].finding == found


@pytest.mark.parametrize("values", [{}, {"rankme": math.nan}, {"rankme": -math.inf}])
def test_an_objective_without_a_value_is_a_finding_of_its_own(
    out: Path, values: dict[str, float]
) -> None:
    given = court(out)
    given.judging.decide(given.study.ask(), 6, record(**values))
    reason = "rankme is undefined at epoch 6"
    assert given.rule.readings[0].finding == Finding("undefined", "projector", reason)
    assert stored(given.study).user_attrs["finding/6"]["reason"] == reason


def test_a_collapse_that_was_seen_is_not_renamed_for_want_of_an_objective(out: Path) -> None:
    given = court(out)
    found = Finding("not finite", "backbone", "96 of 96 embeddings")
    given.judging.decide(given.study.ask(), 6, record(found))
    assert given.rule.readings[0].finding == found


def test_a_replicate_has_a_rule_of_its_own(out: Path) -> None:
    given = court(out, verdict=Decision(True, "fell behind", "halving"))
    given.study.enqueue_trial({}, user_attrs={"replicate_of": 0, "seed": 1})
    decision, _ = given.judging.decide(given.study.ask(), 6, record(rankme=2.0))
    assert not decision.stop
    assert (len(given.rule.readings), len(given.for_replicates.readings)) == (0, 1)


def test_nobody_else_reports_or_decides_meanwhile(out: Path) -> None:
    given = court(out)
    trial = given.study.ask()
    given.judging.decide(trial, 6, record(rankme=2.0))
    given.judging.decide(trial, 18, record(rankme=3.0))
    assert given.rule.held == [True, True]
    with filelock.FileLock(out / ".deciding.lock").acquire(timeout=0):
        pass  # and nobody waits for it afterwards


def test_a_training_that_broke_is_dead_without_a_measure(out: Path) -> None:
    given = court(out)
    decision = given.judging.broken(given.study.ask(), 18, "the loss is not finite in epoch 9")
    reason = "not finite: the loss is not finite in epoch 9"
    assert decision == Decision(True, reason, "collapse")
    assert stored(given.study).user_attrs["decision/18"]["reason"] == reason
    assert stored(given.study).intermediate_values == {}
    assert given.rule.readings == []


def test_a_dead_trial_is_told_to_the_sampler_as_infeasible_once(out: Path) -> None:
    given = court(out)
    trial, dead = given.study.ask(), Decision(True, "the embeddings are all equal", "collapse")
    record_stop(trial, dead)
    record_stop(trial, dead)  # a process died between this and telling the study
    attrs = stored(given.study).user_attrs
    assert attrs["outcome"] == {"kind": "collapse", "reason": dead.reason}
    assert attrs["collapse"] == dead.reason
    assert stored(given.study).constraints == {"collapse": 1.0}


@pytest.mark.parametrize("kind", ["zone", "halving", "budget"])
def test_who_merely_fell_behind_is_not_infeasible(out: Path, kind: str) -> None:
    given = court(out)
    record_stop(given.study.ask(), Decision(True, "why", kind))
    assert stored(given.study).user_attrs["outcome"] == {"kind": kind, "reason": "why"}
    assert "collapse" not in stored(given.study).user_attrs
    assert not stored(given.study).constraints
