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
    folder.mkdir(exist_ok=True, parents=True)
    file = folder / f"{name}.parquet"
    pd.DataFrame([row for rows in trials for row in rows]).to_parquet(file, index=False)
    conditions = {
        "config": {"epochs": 54, "seed": 0},
        "images": {"probe": 600},
        "untrained": UNTRAINED,
        "initial": {
            "backbone": {"rank": 80.0},
            "retrieval": 0.05,
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


def test_other_gates_look_at_the_backbone_alone_or_at_what_was_recorded(tmp_path: Path) -> None:
    seen = {6: ("constant", "projector", True)}
    kept = trial(0, seen=seen, rank=60.0)
    freed = [{**row, "recorded_collapse": "shrunk"} for row in trial(1, rank=30.0)]
    for row in (*kept, *freed):
        row |= {"recorded_collapse_layer": "projector", "recorded_collapse_clear": True}
        row.setdefault("recorded_collapse", row["collapse"])
    rows = table(tmp_path, kept, freed)

    def stops(name: str) -> list[int | None]:
        found = (stop_of(t, rows, GATE[name]) for t in rows.trials)
        return [None if stop is None else stop.epoch for stop in found]

    assert stops("product") == [6, None]
    assert stops("any projector") == [6, 6]
    assert stops("backbone alone") == [None, None]
    assert stops("rank of h <= 0.2") == [None, None]
    assert stops("rank of h <= 0.3") == [None, None]
    low = table(tmp_path / "low", trial(0, rank=24.0))
    assert [bool(stop_of(low.trials[0], low, GATE[f"rank of h <= {s}"])) for s in (0.2, 0.3)] == [
        False,
        True,
    ]


def test_what_moved_and_lost_its_images_is_forgotten(tmp_path: Path) -> None:
    def rows_of(number: int, retrieval: float, moved: float) -> list[dict[str, Any]]:
        seen = {"measure.view_retrieval": retrieval, "measure.moved": moved}
        return [{**row, **seen} for row in trial(number)]

    rows = table(tmp_path, rows_of(0, 0.04, 0.5), rows_of(1, 0.04, 0.2), rows_of(2, 0.05, 0.5))
    found = [stop_of(t, rows, GATE["product, or forgotten"]) for t in rows.trials]
    assert [stop and (stop.epoch, stop.kind) for stop in found] == [(18, "forgotten"), None, None]
    assert [stop_of(t, rows, PRODUCT) for t in rows.trials] == [None] * 3


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
    with pytest.raises(ValueError, match="export_again"):
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
    (data,) = found["data"].values()
    assert (data["dead"], data["alive"], data["false_alarms"]) == (2, 2, 1)
    assert "| vicreg | digits | 0 | cov 0 | collapse | dead | -20.0 | -10.0 |" in page(found)
