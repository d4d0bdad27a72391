"""A real dry run: the plan is printed, and nothing of it stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rich.console import Console

from hpo.errors import BudgetError
from hpo.plan import dry_run
from tests.hpo.studies import tiny


def test_a_dry_run_prints_the_plan_and_leaves_nothing_behind(tmp_path: Path) -> None:
    out, console = tmp_path / "out", Console(width=200)
    before, n_threads = torch.random.get_rng_state(), torch.get_num_threads()
    with console.capture() as capture:
        made = dry_run(tiny(out, labels=True, budget="10m"), console)
    assert not out.exists()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == n_threads
    assert made.rates is not None
    assert 1e-6 < made.rates.seconds_per_image < 0.1
    assert 0 < made.rates.seconds_per_measure < 60
    assert made.rates.seconds_per_probe is not None
    assert 0 < made.rates.seconds_per_probe < 60
    assert made.limits[0].n_expected is not None
    assert "trials that get there" in capture.get()


def test_a_budget_that_fits_nothing_is_an_error_with_one_that_would(tmp_path: Path) -> None:
    console = Console(width=200)
    with console.capture() as capture, pytest.raises(BudgetError, match="give at least `2 epochs`"):
        dry_run(tiny(tmp_path / "out", epochs=54, budget="1 epochs"), console)
    assert "rung" in capture.get()
