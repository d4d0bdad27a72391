"""A report and the decision on it, as one entry in the order of a study."""

from pathlib import Path

import optuna
import pytest

from hpo.deciding import decide_broken, report_and_decide
from hpo.decision import Decision
from hpo.history import Finding, History, Reading


class Recording:
    """A rule that keeps what it was shown and stops who is below 1."""

    def __init__(self) -> None:
        self.seen: list[tuple[Reading, History]] = []

    def decide(self, reading: Reading, history: History) -> Decision:
        self.seen.append((reading, history))
        low = reading.objective < 1
        return Decision(low, "too low" if low else "", "halving" if low else "", {"n": 2})


@pytest.fixture(params=["memory", "sqlite"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.Study:
    storage = None if request.param == "memory" else f"sqlite:///{tmp_path}/study.db"
    return optuna.create_study(direction="maximize", storage=storage)


def stored(study: optuna.Study, number: int) -> dict[str, object]:
    return study.get_trials()[number].user_attrs


def test_what_was_measured_and_decided_is_stored_with_its_place(study: optuna.Study) -> None:
    trial, rule = study.ask(), Recording()
    decision = report_and_decide(trial, 6, 0.5, {"alpha_req": 1.5}, None, rule)
    assert decision.stop
    assert study.get_trials()[0].intermediate_values == {6: 0.5}
    assert stored(study, 0) == {
        "rung/6": {"alpha_req": 1.5},
        "order/6": 1,
        "decision/6": {
            "order": 2,
            "stop": True,
            "reason": "too low",
            "kind": "halving",
            "evidence": {"n": 2},
        },
    }


def test_the_rule_sees_the_newest_reading_of_the_trial_and_its_peers(study: optuna.Study) -> None:
    rule, found = Recording(), Finding("shrunk", "projector", "the variance is 0.1", clear=False)
    first, second = study.ask(), study.ask()
    report_and_decide(first, 6, 2.0, {"alpha_req": 1.0}, None, rule)
    report_and_decide(second, 6, 3.0, {"alpha_req": 1.1}, found, rule)
    reading, history = rule.seen[-1]
    assert reading == Reading(1, 6, 3.0, {"alpha_req": 1.1}, found, order=3)
    assert [(r.trial, r.order) for r in history.readings] in ([(0, 1), (1, 3)], [(1, 3), (0, 1)])


def test_asked_again_it_gives_the_stored_verdict_and_stores_nothing(study: optuna.Study) -> None:
    trial, rule = study.ask(), Recording()
    first = report_and_decide(trial, 6, 0.5, {}, None, rule)
    before = stored(study, 0)
    again = report_and_decide(optuna.Trial(study, trial._trial_id), 6, 9.0, {"x": 1.0}, None, rule)
    assert again == first
    assert stored(study, 0) == before
    assert len(rule.seen) == 1


def test_a_report_whose_decision_a_kill_prevented_keeps_its_place(study: optuna.Study) -> None:
    dead, other, rule = study.ask(), study.ask(), Recording()
    dead.set_user_attr("rung/6", {"alpha_req": 1.0})
    dead.set_user_attr("order/6", 1)
    dead.report(0.5, step=6)
    report_and_decide(other, 6, 2.0, {}, None, rule)
    report_and_decide(dead, 6, 7.0, {"alpha_req": 7.0}, None, rule)
    attrs = stored(study, 0)
    assert attrs["order/6"] == 1
    assert attrs["rung/6"] == {"alpha_req": 1.0}
    assert attrs["decision/6"]["order"] == 4  # type: ignore[index]
    assert study.get_trials()[0].intermediate_values == {6: 0.5}


def test_a_training_that_broke_is_a_decision_without_a_reading(study: optuna.Study) -> None:
    trial = study.ask()
    decision = decide_broken(trial, 6, "not finite: the loss is nan")
    assert (decision.stop, decision.kind) == (True, "collapse")
    decide_broken(trial, 6, "another reason")
    assert stored(study, 0) == {
        "decision/6": {
            "order": 1,
            "stop": True,
            "reason": "not finite: the loss is nan",
            "kind": "collapse",
            "evidence": {},
        }
    }
    assert study.get_trials()[0].intermediate_values == {}
