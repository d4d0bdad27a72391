"""One small real study: its costs, its report, and what it left on the disk."""

from __future__ import annotations

import io

import optuna
import pytest
from rich.console import Console

from hpo.costs import costs_of
from hpo.meter import session_seconds
from hpo.record import read_rows
from hpo.report import print_report
from hpo.storage import StudyDirectory
from hpo.study import run_study
from tests.hpo.recorded import files
from tests.hpo.studies import tiny

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> StudyDirectory:
    return StudyDirectory(tmp_path_factory.mktemp("real") / "s")


@pytest.fixture(scope="module")
def study(directory: StudyDirectory) -> optuna.Study:
    """Two trials, and the finalist once again; nothing is stopped early."""
    options = {"epochs": 2, "trials": 2, "keep": 1, "prune": False, "replicates": 1}
    return run_study(tiny(directory.out, budget="100 epochs", **options))


def test_the_parts_of_its_cost_sum_to_the_time_it_took(study: optuna.Study) -> None:
    costs = costs_of(study)
    assert costs.total_seconds == pytest.approx(session_seconds(study.user_attrs))
    assert costs.phases["train"] > 0
    assert costs.phases["measure"] > 0
    assert costs.phases["idle"] > 0
    assert costs.phases["lost"] == pytest.approx(0.0, abs=1e-6)
    rows = read_rows(study, running=False)
    assert [row.replicate_of is None for row in rows] == [True, True, False]
    assert costs.phases["replicate"] == pytest.approx(rows[2].seconds)
    assert costs.spend.epochs == 6.0
    assert costs.spend.images == sum(row.n_images for row in rows) > 0
    assert costs.lost.images == 0


def test_its_report_adds_up(study: optuna.Study, directory: StudyDirectory) -> None:
    file = io.StringIO()
    print_report(Console(file=file, width=100), study, directory, running=False)
    shown = file.getvalue()
    assert "6 of 100 epochs (6 %)" in shown
    assert f"trial {study.user_attrs['choice']['number']}: " in shown
    assert "2 started, 2 finished; 1 replicate under other seeds" in shown
    assert f"{study.user_attrs['choice']['number']} again, seed " in shown
    assert "\nlost" not in shown
    assert "\nsaved" not in shown


def test_it_keeps_the_chosen_and_no_replicate(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    left, chosen = files(directory), study.user_attrs["choice"]["number"]
    assert directory.checkpoint(chosen).name in left
    assert left <= {"trial-0000.pt", "trial-0001.pt"}
