"""From a table to figures."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.tabular.savings_figures import best_of, figures, over_cells, result_of
from benchmarks.tabular.savings_ours import Spent
from benchmarks.tabular.savings_study import study_of
from benchmarks.tabular.savings_table import read_cell, read_cells
from tests.benchmarks.tabular.made_cells import RUNGS, made_cell


def write_table(folder: Path) -> Path:
    """Three trials that ended, one that runs, a repetition of the first."""
    common = {"probe.n_reported": 400.0, "collapse": None, "train_seconds": 36.0}
    rows = [
        {
            **common,
            "trial": trial,
            "epoch": epoch,
            "state": "running" if trial == 3 else "finished",
            "replicate_of": 0.0 if trial == 4 else math.nan,
            "measure.guarded_rank": float(trial),
            "measure.alpha_req": 1.0,
            "probe.cross_validated": 0.8 + trial / 100,
            "probe.reported": 0.9,
        }
        for trial in range(5)
        for epoch in RUNGS
    ]
    rows[5] |= {"collapse": "dimensional", "collapse_layer": "projector"}
    file = folder / "byol-made.parquet"
    pd.DataFrame(rows).to_parquet(file)
    conditions = {"config": {"epochs": 18, "rung_factor": 3}, "images": {"probe": 1000}}
    file.with_suffix(".json").write_text(json.dumps(conditions))
    return file


def test_a_cell_is_read_without_repetitions_and_what_still_runs(tmp_path: Path) -> None:
    cell = read_cell(write_table(tmp_path))
    assert sorted(cell.readings) == [0, 1, 2]
    assert cell.rungs == RUNGS
    assert cell.pace == dict.fromkeys(range(4), 2.0)
    assert [c.name for c in read_cells(tmp_path)] == ["byol-made"]


def test_the_pooled_accuracy_weighs_both_parts_by_their_images(tmp_path: Path) -> None:
    cell = read_cell(write_table(tmp_path))
    assert (cell.n_fit, cell.n_report) == (600, 400)
    assert cell.final[0].pooled == pytest.approx((0.8 * 600 + 0.9 * 400) / 1000)
    best = best_of(cell, "pooled")
    assert best.number == 2
    assert best.error == pytest.approx(math.sqrt(best.accuracy * (1 - best.accuracy) / 1000))


def test_the_spread_between_seeds_is_that_of_the_repetitions(tmp_path: Path) -> None:
    """0.852 - 0.84 on the fit part's 600 of 1000 images: 0.04 · 0.6 / √2."""
    cell = read_cell(write_table(tmp_path))
    assert cell.seed_spread == pytest.approx(0.04 * 0.6 / math.sqrt(2))


def test_a_collapse_without_its_clearness_counts_as_clear(tmp_path: Path) -> None:
    cell = read_cell(write_table(tmp_path))
    finding = cell.readings[1][2].finding
    assert finding is not None
    assert (finding.kind, finding.layer, finding.clear) == ("dimensional", "projector", True)
    assert not cell.knows_clear


def test_regret_is_counted_from_the_best_of_all_trials() -> None:
    cell = made_cell(0)
    best = {figure: best_of(cell, figure) for figure in ("pooled", "reported")}
    numbers = sorted(cell.readings)
    other = next(n for n in numbers if n in cell.final and n != best["pooled"].number)
    spent = Spent(72, 2, (numbers.index(other), RUNGS[-1]))
    result = result_of(cell, numbers, spent, best)
    assert result.compute == pytest.approx(72 / (20 * 18))
    assert result.probes == pytest.approx(0.1)
    assert result.pooled == best["pooled"].accuracy - cell.final[other].pooled > 0


def test_a_choice_of_nothing_is_never_within_a_point() -> None:
    cell = made_cell(0)
    best = {figure: best_of(cell, figure) for figure in ("pooled", "reported")}
    numbers = sorted(cell.readings)
    good = Spent(10, 1, (numbers.index(best["pooled"].number), RUNGS[-1]))
    dear = Spent(10_000, 1, (numbers.index(best["pooled"].number), RUNGS[-1]))
    spent = (good, dear, Spent(10, 1, None), Spent(10, 1, None))
    found = figures([result_of(cell, numbers, s, best) for s in spent], best)["pooled"]
    assert (found["within_point"], found["met"], found["unchosen"]) == (0.5, 0.25, 0.5)
    assert found["regret_worst"] == 0


def test_two_cells_give_no_interval_and_three_do() -> None:
    cells = {str(n): {"compute": float(n)} for n in range(3)}
    assert over_cells(cells, ["compute"])["interval"] is not None
    two = {name: cells[name] for name in ("0", "1")}
    assert over_cells(two, ["compute"])["interval"] is None
    assert over_cells(two, ["compute"])["mean"] == 0.5


def test_the_same_seed_gives_the_same_study_and_plain_json() -> None:
    cell = made_cell(1)
    first = study_of([cell], shuffles=3, seed=5)
    again = study_of([cell], shuffles=3, seed=5)
    assert json.loads(json.dumps(first, allow_nan=False))["strategies"] == again["strategies"]
    assert first["strategies"] != study_of([cell], shuffles=3, seed=6)["strategies"]
