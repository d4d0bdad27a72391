"""Ray's results as readings."""

import math

import pytest

from hpo.errors import ConfigError
from hpo.history import Finding
from hpo.ray_tune.results import ResultHistory, finding_in, result_keys

NEAR = Finding("dimensional", "projector", "projector collapsed: near", clear=False)


def history() -> ResultHistory:
    return ResultHistory(metric="score", measures=("alpha_req",))


def result(epoch: int, score: float = 1.0, **more: object) -> dict[str, object]:
    return {"epoch": epoch, "score": score, "alpha_req": 1.0, **more}


@pytest.mark.parametrize("finding", [None, NEAR, Finding("constant", "backbone", "dead")])
def test_a_finding_survives_the_way_through_a_result(finding: Finding | None) -> None:
    assert finding_in(result_keys(finding)) == finding


def test_a_word_alone_is_a_clear_collapse() -> None:
    assert finding_in({"collapse": "shrunk"}) == Finding(
        "shrunk", "training", "collapsed: shrunk", clear=True
    )
    assert finding_in({"collapse": "dead since noon"}) == Finding(
        "collapse", "training", "collapsed: dead since noon", clear=True
    )
    assert finding_in({"collapse": ""}) is finding_in({}) is None


def test_trials_are_numbered_as_they_come() -> None:
    kept = history()
    assert [kept.number(name) for name in ("b", "a", "b", "c")] == [0, 1, 0, 2]


def test_a_decision_sees_its_trial_and_the_others_at_the_same_epoch() -> None:
    kept = history()
    for trial, epoch in (("a", 2), ("a", 6), ("b", 2), ("c", 6)):
        kept.take(trial, result(epoch))
    newest = kept.take("b", result(6, 3.0))
    seen = kept.before(newest)
    assert {(r.trial, r.epoch) for r in seen.readings} == {(0, 6), (1, 2), (1, 6), (2, 6)}
    assert [r.trial for r in seen.peers(newest)] == [0, 2]
    kept.stopped_as_collapsed(2)
    assert [r.trial for r in kept.before(newest).peers(newest)] == [0]


def test_a_result_that_is_sent_twice_is_one_reading() -> None:
    kept = history()
    first, again = kept.take("a", result(2)), kept.take("a", result(2))
    assert len(kept.before(again).readings) == 1
    assert first.order < again.order


def test_a_trial_that_goes_back_forgets_what_came_after() -> None:
    kept = history()
    for epoch in (2, 6, 18):
        kept.take("a", result(epoch))
    back = kept.take("a", result(6, 9.0))
    assert [(r.epoch, r.objective) for r in kept.before(back).of(0)] == [(2, 1.0), (6, 9.0)]


def test_numbers_may_be_undefined_but_not_missing() -> None:
    kept = history()
    assert math.isnan(kept.take("a", result(2, math.nan)).objective)
    for argument, key in (("time_attr", "epoch"), ("metric", "score"), ("measure", "alpha_req")):
        told = result(2)
        del told[key]
        with pytest.raises(ConfigError, match=f"^{argument}: got no '{key}' in a result"):
            kept.take("a", told)
    with pytest.raises(ConfigError, match=r"^metric: got score='high' from trial a; wanted"):
        kept.take("a", result(2, score="high"))  # type: ignore[arg-type]
