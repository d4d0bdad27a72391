"""What is said of one axis around a recipe."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.tabular.raw_results import as_text
from benchmarks.tabular.sweep_settings import CENTRE
from benchmarks.tabular.sweep_study import OWN, SHOWN, page, study

_ACCURACY = {0.05: 0.5, 0.1: 0.6, 0.2: 0.8, 0.4: 0.7, 0.3: 0.75}


def write_sweep(folder: Path) -> Path:
    """SimCLR over its temperature: RankMe orders as accuracy does, retrieval the other way."""
    rows = [
        {
            "trial": n,
            "epoch": epoch,
            "setting": CENTRE if temperature == 0.1 else f"temperature={temperature}",
            "replicate_of": math.nan,
            "state": "collapsed" if temperature == 0.3 else "finished",
            "hyperparameter.projector_width": "auto",
            "measure.moved": 0.01,
            "measure.rankme": 100 * accuracy,
            "measure.view_retrieval": 1 - accuracy,
            "probe.cross_validated": accuracy,
            "probe.reported": accuracy,
            "probe.n_reported": 300.0,
        }
        for n, (temperature, accuracy) in enumerate(_ACCURACY.items())
        for epoch in (2, 6)
    ]
    file = folder / "simclr-digits.parquet"
    pd.DataFrame(rows).to_parquet(file)
    untrained = {"cross_validated": 0.4, "reported": 0.4}
    conditions = {"images": {"probe": 600, "measure": 320}, "untrained": untrained}
    file.with_suffix(".json").write_text(json.dumps(conditions))
    return folder


def test_an_axis_is_its_own_settings_and_the_centre(tmp_path: Path) -> None:
    found = study(write_sweep(tmp_path))
    assert list(found["axes"]) == ["simclr-digits temperature"]
    axis = found["axes"]["simclr-digits temperature"]
    assert (axis["kind"], axis["n"], axis["died"]) == (OWN, 4, 1)
    assert axis["spread_points"] == pytest.approx(30)
    assert axis["matters"]


def test_a_measure_that_orders_as_accuracy_does_has_a_tau_of_one_and_no_regret(
    tmp_path: Path,
) -> None:
    judged = study(write_sweep(tmp_path))["axes"]["simclr-digits temperature"]["candidates"]
    assert judged["rankme"] == pytest.approx([1.0, 0.0])
    assert judged["view_retrieval"] == pytest.approx([-1.0, 30.0])
    assert math.isnan(judged["lidar"][0])  # not in this table


def test_the_mean_over_axes_is_of_those_that_matter(tmp_path: Path) -> None:
    over = study(write_sweep(tmp_path))["over_axes"]["rankme"]
    assert (over["all"]["n"], over[OWN]["tau"], over["lr"]["tau"]) == (1, pytest.approx(1.0), None)
    assert over["all"]["random"] == pytest.approx(15.0)


def test_the_page_has_a_line_for_each_measure_and_the_raw_result_no_nan(tmp_path: Path) -> None:
    found = study(write_sweep(tmp_path))
    text = page(found, SHOWN)
    assert "| rankme | – | – | – | +1.00 | +1.00 | 100 % | 0.0 | 15.0 |" in text
    assert json.loads(as_text(found))["axes"]["simclr-digits temperature"]["n"] == 4
