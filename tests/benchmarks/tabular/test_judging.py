"""Recorded rows under today's gate, and the objective that was added to them."""

import math
from typing import Any

import pandas as pd
import pytest

from benchmarks.tabular.judging import judged_again, with_guarded_alpha

INITIAL = {
    "backbone": {"spread": 1.0, "total_variance": 1.0, "mean_square_norm": 1.0, "rank": 80.0},
    "retrieval": 0.05,
}


def row(trial: int, epoch: int, seen: tuple[str, str, bool] | None, **given: Any) -> dict[str, Any]:
    kind, layer, clear = seen or (None, None, None)
    return {
        "trial": trial,
        "epoch": epoch,
        "state": "collapsed" if epoch == 54 and seen else "finished",
        "reason": "it collapsed" if seen else "",
        "collapse": kind,
        "collapse_layer": layer,
        "collapse_clear": clear,
        "measure.view_retrieval": 0.05,
        "measure.rankme_backbone": 10.0,
        **given,
    }


def judged(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    again = judged_again(pd.DataFrame(list(rows)), INITIAL)
    return again.astype(object).where(again.notna(), None).to_dict("records")  # type: ignore[return-value]


@pytest.mark.parametrize("kind", ["constant", "shrunk", "exploded", "dimensional"])
def test_a_projector_over_a_backbone_that_gained_is_none_any_more(kind: str) -> None:
    seen = (kind, "projector", True)
    dead, alive = judged(row(0, 54, seen), row(1, 54, seen, **{"measure.view_retrieval": 0.2}))
    assert (dead["collapse"], dead["state"]) == (kind, "collapsed")
    assert (alive["collapse"], alive["state"], alive["reason"]) == (None, "finished", "")
    for each in (dead, alive):
        assert (each["recorded_collapse"], each["recorded_collapse_layer"]) == (kind, "projector")
        assert each["recorded_collapse_clear"] is True
    assert dead["collapse_clear"] is (kind == "constant")


def test_a_backbone_and_what_is_not_finite_stay_as_they_were() -> None:
    gained = {"measure.view_retrieval": 0.9}
    backbone = judged(row(0, 54, ("dimensional", "backbone", False), **gained))[0]
    assert (backbone["collapse"], backbone["collapse_clear"]) == ("dimensional", False)
    unknown = dict.fromkeys(("measure.view_retrieval", "measure.rankme_backbone"), math.nan)
    broken = judged(row(0, 54, ("not finite", "projector", True), **unknown))[0]
    assert (broken["collapse"], broken["collapse_clear"]) == ("not finite", True)


def test_a_trial_that_ended_for_another_reason_stays_collapsed() -> None:
    gained = {"measure.view_retrieval": 0.9}
    early = row(0, 18, ("shrunk", "projector", True), **gained) | {"state": "collapsed"}
    last = row(0, 54, None, **gained) | {"state": "collapsed", "reason": "undefined"}
    again = judged(early, last)
    assert [each["collapse"] for each in again] == [None, None]
    assert [each["state"] for each in again] == ["collapsed", "collapsed"]
    assert again[1]["reason"] == "undefined"


def test_the_guarded_alpha_is_made_of_two_columns_where_it_is_missing() -> None:
    rows = pd.DataFrame(
        {
            "measure.alpha_req": [2.0, 1.0, math.nan, 0.5],
            "measure.view_retrieval": [0.5, 0.25, 0.5, 0.5],
            "measure.guarded_rank": [1.0, 2.0, 3.0, -math.inf],
        }
    )
    made = with_guarded_alpha(rows)["measure.guarded_alpha"].tolist()
    assert made[:2] == pytest.approx([0.0, math.log(0.25)])
    assert math.isnan(made[2])
    assert made[3] == -math.inf  # behind the gate that was closed
    kept = with_guarded_alpha(rows.assign(**{"measure.guarded_alpha": 7.0}))
    assert kept["measure.guarded_alpha"].tolist() == [7.0] * 4
    assert "measure.guarded_alpha_projector" not in kept
