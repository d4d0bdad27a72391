"""The table that people read and the JSON that programs read say the same."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import torch
from rich.console import Console

from hpo.score.rows import describe_fit, score_rows
from hpo.score.table import score_table, to_json
from objectives.alpha_req import AlphaFit
from objectives.collapse import CollapseReport, CollapseThresholds
from tests.hpo.score.standins import StandIn, a_file, alive, measurement, not_finite


def printed(assessment: Any, width: int = 160, **file: Any) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(score_table(assessment, a_file(**file), layer="projector"))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def line_of(text: str, start: str) -> str:
    return next(line.rstrip() for line in text.splitlines() if line.startswith(start))


def test_the_verdict_comes_first_then_the_file_then_the_measures() -> None:
    lines = printed(alive()).splitlines()
    assert lines[0].startswith("verdict   not collapsed, as far as")
    assert lines[1].split() == ["file", "z.npy"]
    assert "200 samples of 60 dimensions, float32; no views" in lines[2]
    assert lines[4].split() == ["measure", "value", "good", "layer", "note"]
    assert [line.split()[0] for line in lines[5:]] == ["rankme", "alpha_req", "uniformity", "lidar"]


def test_values_directions_layers_and_notes() -> None:
    text = printed(alive())
    assert line_of(text, "rankme").split(maxsplit=4)[1:] == [
        *("41.531", "high", "projector"),
        "fewer samples than ten times dim",
    ]
    alpha = line_of(text, "alpha_req")
    assert alpha.split()[1:5] == ["1.5", "close", "to", "1"]
    assert "valid: R² 1.000 over ranks 4 to 50; 0.3 above the zone [0.8, 1.2]" in alpha
    assert line_of(text, "lidar").split(maxsplit=4)[1:] == [
        *("-", "high", "projector"),
        "needs views",
    ]
    assert line_of(text, "uniformity").split()[1] == "-"


def test_views_are_told() -> None:
    text = printed(alive(), views=3)
    assert "3 views of each of 200 images" in text
    assert "what needs no views is measured on the first view of each image" in text


def test_a_collapse_is_told_with_its_reason() -> None:
    text = printed(not_finite())
    assert "collapsed (not finite): 3 of 200 embeddings hold values" in line_of(text, "verdict")
    assert line_of(text, "rankme").split() == ["rankme", "-", "high", "projector", "not", "finite"]


def test_nothing_measured_has_no_table() -> None:
    text = printed(StandIn(CollapseReport("constant", "all equal", {})))
    assert "collapsed (constant): all equal" in text
    assert "measure " not in text


def test_a_name_is_no_markup() -> None:
    assert "[red]z[/red].npy" in printed(alive(), name="[red]z[/red].npy")
    assert "[/b].npy" in printed(alive(), name="[/b].npy")


def test_a_narrow_terminal_cuts_no_name_and_no_value() -> None:
    text = printed(alive(), width=60)
    assert line_of(text, "uniformity")
    assert line_of(text, "alpha_req").split()[1] == "1.5"


def test_a_measure_that_is_not_registered_is_still_shown() -> None:
    row = score_rows(alive(values=(measurement("novelty", 0.5),), notes={}))[0]
    assert (row.value, row.good) == (0.5, "")
    assert line_of(printed(alive(values=(measurement("novelty", 0.5),))), "novelty").split()[2] == (
        "-"
    )


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        ((1.0, 0.99, 4, 100, 97), "valid: R² 0.990 over ranks 4 to 100; inside the zone"),
        ((0.5, 0.99, 4, 80, 77), "valid: R² 0.990 over ranks 4 to 80; 0.3 below the zone"),
        ((1.3, 0.6, 4, 100, 97), "not valid: R² 0.600 over ranks 4 to 100, below 0.95"),
        ((float("nan"), float("nan"), 4, 6, 3), "not valid: no line through ranks 4 to 6"),
    ],
)
def test_a_fit_in_words(fit: tuple[float, float, int, int, int], words: str) -> None:
    assert describe_fit(AlphaFit(*fit)).startswith(words)


# JSON


def strict(report: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(report, allow_nan=False))
    assert found == report  # nothing but what JSON has: no tuples, no tensors
    return found


def test_json_of_living_embeddings() -> None:
    report = strict(to_json(alive(), a_file(), layer="projector"))
    assert (report["file"], report["layer"], report["dtype"]) == ("z.npy", "projector", "float32")
    assert (report["n_samples"], report["dim"]) == (200, 60)
    assert (report["n_images"], report["n_views"], report["first_views"]) == (None, None, False)
    assert report["collapse"]["collapsed"] is False
    assert report["collapse"]["evidence"]["rank"] == 41.5
    rankme = report["measures"]["rankme"]
    assert (rankme["value"], rankme["good"]) == (41.53125, "high")
    assert rankme["note"] == "fewer samples than ten times dim"
    assert rankme["record"]["options"] == {"epsilon": 1e-7}
    assert rankme["record"]["layer"] == "projector"
    lidar = report["measures"]["lidar"]
    assert lidar == {"value": None, "good": "high", "note": "needs views", "record": None}
    assert report["measures"]["uniformity"]["value"] is None
    assert report["alpha"]["alpha"] == pytest.approx(1.5)
    assert (report["alpha"]["first_rank"], report["alpha"]["last_rank"]) == (4, 50)
    assert report["alpha"]["valid"] is True
    assert report["alpha"]["zone"] == [0.8, 1.2]
    assert report["alpha"]["zone_distance"] == pytest.approx(0.3)


def test_json_of_views() -> None:
    report = strict(to_json(alive(), a_file(views=3), layer="backbone"))
    assert (report["n_images"], report["n_views"], report["first_views"]) == (200, 3, True)


def test_json_has_no_nan_and_no_infinity() -> None:
    report = strict(to_json(not_finite(), a_file(), layer="backbone"))
    assert report["collapse"]["collapsed"] is True
    assert report["collapse"]["kind"] == "not finite"
    assert report["collapse"]["evidence"] == {"n_not_finite": 3.0, "spread": None, "ratio": None}
    assert report["measures"]["rankme"]["note"] == "not finite"
    assert report["alpha"] is None


def test_json_of_an_alpha_that_is_not_defined() -> None:
    nan = AlphaFit(float("nan"), float("nan"), 4, 6, 3)
    report = strict(to_json(alive(alpha=nan), a_file(), layer="backbone"))
    assert report["alpha"]["alpha"] is None
    assert report["alpha"]["zone_distance"] is None
    assert report["alpha"]["valid"] is False


def test_thresholds_of_the_verdict_are_in_the_json() -> None:
    report = alive().collapse
    if not hasattr(report, "thresholds"):
        pytest.skip("the report carries no thresholds")
    found = strict(to_json(alive(), a_file(), layer="backbone"))["collapse"]["thresholds"]
    assert found["smallest_spread"] == CollapseThresholds().smallest_spread


def test_dtype_is_the_files() -> None:
    file = a_file()
    half = type(file)(file.path, file.source, torch.zeros(3, 2, dtype=torch.bfloat16))
    assert to_json(alive(), half, layer="backbone")["dtype"] == "bfloat16"
