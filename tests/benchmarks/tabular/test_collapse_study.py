"""Dead goes by labels, stops by the product's own rule, and the two are counted against another."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.tabular.collapse_pages import page
from benchmarks.tabular.collapse_replay import GATES, PRODUCT, stop_of
from benchmarks.tabular.collapse_study import study
from benchmarks.tabular.collapse_truth import CollapseTable, read_collapse_table

UNTRAINED = {"knn": 0.7, "cross_validated": 0.8, "reported": 0.8, "n_reported": 300.0}
GATE = {gate.name: gate for gate in GATES}


def trial(
    number: int,
    *,
    end: tuple[float, float] = (0.9, 0.95),
    seen: dict[int, tuple[str, str, bool]] | None = None,
    rank: float = 60.0,
    embedded: float = 50.0,
    width: str = "auto",
    rungs: tuple[int, ...] = (6, 18, 54),
    state: str = "finished",
    setting: str = "published",
) -> list[dict[str, Any]]:
    """Rows of one trial; `seen` are kind, layer and clearness of collapses by rung."""
    return [
        {
            "method": "vicreg",
            "data": "digits",
            "trial": number,
            "setting": setting,
            "replicate_of": None,
            "state": state,
            "reason": "",
            "epoch": epoch,
            "collapse": (seen or {}).get(epoch, (None, None, None))[0],
            "collapse_layer": (seen or {}).get(epoch, (None, None, None))[1],
            "collapse_clear": (seen or {}).get(epoch, (None, None, None))[2],
            "measure.rankme_backbone": rank,
            "measure.rankme": embedded,
            "hyperparameter.projector_width": width,
            "measure.seconds": 2.0 * epoch,
            "probe.knn": end[0],
            "probe.cross_validated": end[1],
            "probe.reported": end[1],
        }
        for epoch in rungs or (0,)
    ]


def written(folder: Path, name: str, *trials: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.parquet"
    pd.DataFrame([row for rows in trials for row in rows]).to_parquet(file, index=False)
    conditions = {
        "config": {"epochs": 54, "seed": 0},
        "images": {"probe": 600},
        "untrained": UNTRAINED,
        "initial": {
            "backbone": {"rank": 80.0},
            "projector": {"rank": 90.0},
            "projector_ranks": {"auto": 90.0, "64": 40.0, "512": 200.0},
        },
    }
    file.with_suffix(".json").write_text(json.dumps(conditions))
    return file


def table(tmp_path: Path, *trials: list[dict[str, Any]]) -> CollapseTable:
    return read_collapse_table(written(tmp_path / "rows", "vicreg-digits-0", *trials))


@pytest.mark.parametrize(
    ("end", "worth"),
    [
        ((0.9, 0.95), "alive"),
        ((0.65, 0.95), "dead"),
        ((0.9, 0.75), "dead"),
        ((0.72, 0.82), "no gain"),
        ((0.66, 0.84), "no gain"),
    ],
)
def test_either_probe_below_the_untrained_network_by_the_margin_is_death(
    tmp_path: Path, end: tuple[float, float], worth: str
) -> None:
    assert table(tmp_path, trial(0, end=end)).trials[0].worth() == worth


def test_a_training_that_broke_is_dead_and_counts_up_to_the_rung_it_missed(tmp_path: Path) -> None:
    rows = table(
        tmp_path, trial(0, rungs=(6,), state="collapsed"), trial(1, rungs=(), state="collapsed")
    )
    first, second = rows.trials
    assert (first.worth(), second.worth()) == ("dead", "dead")
    stops = [stop_of(each, rows, PRODUCT) for each in rows.trials]
    assert [stop.epoch for stop in stops if stop] == [18, 6]


def test_a_clear_collapse_stops_at_once_and_a_near_one_when_it_is_seen_again(
    tmp_path: Path,
) -> None:
    clear = {6: ("constant", "projector", True)}
    near = {6: ("dimensional", "projector", False)}
    again = {**near, 18: ("dimensional", "projector", False)}
    last = {54: ("dimensional", "projector", False)}
    rows = table(tmp_path, *(trial(n, seen=s) for n, s in enumerate((clear, near, again, last))))
    stops = [stop_of(each, rows, PRODUCT) for each in rows.trials]
    assert [stop and stop.epoch for stop in stops] == [6, None, 18, 54]
    hasty = [stop_of(each, rows, GATE["product, patience 1"]) for each in rows.trials]
    assert [stop and stop.epoch for stop in hasty] == [6, 6, 6, 54]
    assert stops[0] is not None
    assert stops[0].seconds_saved == 2.0 * (54 - 6)


def test_a_narrow_projector_before_a_living_backbone_can_be_spared(tmp_path: Path) -> None:
    seen = {6: ("dimensional", "projector", True)}
    rows = table(tmp_path, trial(0, seen=seen, rank=60.0), trial(1, seen=seen, rank=30.0))
    spared = [stop_of(each, rows, GATE["projector if h <= 0.5"]) for each in rows.trials]
    assert spared[0] is None
    assert spared[1] is not None
    backbone = [stop_of(each, rows, GATE["backbone alone"]) for each in rows.trials]
    assert backbone == [None, None]
    by_rank = [stop_of(each, rows, GATE["rank of h <= 0.4"]) for each in rows.trials]
    assert [stop and stop.layer for stop in by_rank] == [None, "backbone"]


def test_a_projector_can_be_held_against_one_of_its_own_width(tmp_path: Path) -> None:
    near = {6: ("dimensional", "projector", False), 18: ("dimensional", "projector", False)}
    rows = table(
        tmp_path,
        trial(0, seen=near, embedded=10.0, width="64"),
        trial(1, seen=near, embedded=10.0, width="auto"),
        trial(2, embedded=25.0, width="512"),
        trial(3, seen={6: ("shrunk", "projector", True)}, embedded=40.0, width="512"),
        trial(4, embedded=15.0, width="512"),
    )
    own = [stop_of(each, rows, GATE["projector of its width"]) for each in rows.trials]
    assert [stop and stop.epoch for stop in own] == [None, 18, 18, 6, 6]


def test_values_that_are_not_finite_stop_at_once_under_every_gate(tmp_path: Path) -> None:
    seen = {6: ("not finite", "projector", True)}
    rows = table(tmp_path, trial(0, seen=seen, rungs=(6,), state="collapsed"))
    assert rows.trials[0].worth() == "dead"
    stops = [stop_of(rows.trials[0], rows, gate) for gate in GATES]
    assert [stop and stop.epoch for stop in stops] == [6] * len(GATES)


def test_replicates_are_left_out(tmp_path: Path) -> None:
    again = [{**row, "replicate_of": 0.0} for row in trial(1)]
    assert [each.number for each in table(tmp_path, trial(0), again).trials] == [0]


def test_rows_without_clearness_are_refused_with_what_to_do(tmp_path: Path) -> None:
    rows = [{k: v for k, v in row.items() if k != "collapse_clear"} for row in trial(0)]
    with pytest.raises(ValueError, match="clear=True"):
        table(tmp_path, rows)


def test_the_study_counts_catches_among_the_dead_and_alarms_among_the_best(tmp_path: Path) -> None:
    at_first, at_last = (
        {6: ("constant", "projector", True)},
        {54: ("dimensional", "projector", True)},
    )
    written(
        tmp_path / "settings",
        "vicreg-digits-0",
        trial(0, setting="published"),
        trial(1, setting="cov 4", seen=at_last),
        trial(2, setting="cov 0", seen=at_first, end=(0.5, 0.7)),
        trial(3, setting="var 0", end=(0.5, 0.7)),
    )
    written(
        tmp_path / "table",
        "vicreg-digits",
        trial(0, end=(0.9, 0.95), seen=at_last),
        trial(1, end=(0.9, 0.9)),
        trial(2, end=(0.8, 0.85), seen=at_first),
        trial(3, end=(0.5, 0.7), seen=at_first),
        trial(4, end=(0.88, 0.88)),
    )
    found = study(tmp_path / "settings", tmp_path / "table")
    settings, drawn = (found["gates"]["product"][part] for part in ("settings", "table"))
    assert settings["dead"] == 2
    assert (settings["by_first_ninth"], settings["never"]) == (1, 1)
    assert (settings["false_alarms"], settings["false_alarms_early"], settings["alive"]) == (
        1,
        0,
        2,
    )
    assert settings["saved"]["of_dead_trials"] == pytest.approx((1 - 6 / 54) / 2)
    assert (drawn["top_half"], drawn["false_alarms_in_top_half"]) == (3, 1)
    assert [alarm["trial"] for alarm in found["false_alarms"]] == [0]
    assert found["kinds"]["loss weight"]["dead"] == 2
    assert "| vicreg | digits | 0 | cov 0 | collapse | dead | -20.0 | -10.0 |" in page(found)
