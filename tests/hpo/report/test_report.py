"""What people see of a study, from recorded studies in SQLite."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import optuna
import pytest
from rich.console import Console

from hpo.record import read_rows
from hpo.report import print_report, trial_table
from hpo.storage import StudyDirectory
from tests.hpo.recorded import add_session, add_trial, choose, recorded_study

WIDTH = 100
PROBE = {"reported": 0.9, "cross_validated": 0.9, "n_reported": 100.0, "seconds": 2.0}


def page(study: optuna.Study, out: Path, *, running: bool = False, width: int = WIDTH) -> str:
    file = io.StringIO()
    print_report(Console(file=file, width=width), study, StudyDirectory(out), running=running)
    return file.getvalue()


def lines(study: optuna.Study, out: Path, **options: Any) -> dict[str, str]:
    """The lines below the table by their titles, each on one line however long."""
    below = page(study, out, width=1000, **options).split("\n\n")[-1]
    parts = (line.split(maxsplit=1) for line in below.splitlines())
    return {part[0]: part[1].strip() for part in parts}


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    """A study of every kind of end, with a choice."""
    study = recorded_study(tmp_path, budget="2m, 100 epochs", labels=True)
    add_trial(study, "finished", objective=7.0, alpha=1.1)
    add_trial(study, "halving", epoch=3, train=3.0, reason="place 5 of 6 at epoch 3")
    add_trial(study, "zone", epoch=3, train=3.0, reason="α 2.10 is 0.90 outside the zone")
    add_trial(study, "collapse", epoch=1, train=1.0, reason="backbone collapsed, constant")
    add_trial(study, "finished", objective=8.0, alpha=0.9)
    add_trial(study, "finished", objective=7.9, alpha=0.9, replicate_of=4)
    choose(study, 4, [4, 0], ties=[0], spread=0.01)
    add_session(study, 50.0)
    return study


def test_the_lines_of_a_study_with_a_choice(study: optuna.Study, tmp_path: Path) -> None:
    found = lines(study, tmp_path)
    assert found["chosen"] == "trial 4: highest rankme"
    assert found["shortlist"] == "4 (α 0.90), 0 (α 1.10): the best by rankme"
    assert found["trials"] == (
        "5 started, 2 finished, 1 collapsed, 1 pruned, 1 out of zone; 1 replicate under other seeds"
    )
    assert found["budget"] == "50s of 2m 00s of wall time (42 %); 34 of 100 epochs (34 %)"
    assert found["spent"] == (
        "50s: training 25s (50 %), measuring 5.0s (10 %), replicates 10s (20 %), "
        "starting, reading, storing 10s (20 %)"
    )
    assert found["saved"] == (
        "of the 45 epochs of all trials trained to their end: pruning 6 (13 %), the zone filter 6 "
        "(13 %), collapse stops 8 (18 %), together 20 (44 %), or 20s of training"
    )
    assert "lost" not in found
    assert "--trials 10 --budget '4m, 200 epochs'" in found["next"]


def test_who_cannot_be_chosen_is_named(study: optuna.Study, tmp_path: Path) -> None:
    assert "barred" not in lines(study, tmp_path)
    still = "has not moved away from initialisation: distance 0.042, at least 0.1 wanted"
    excluded = {"11": still, "0": "place 9 of 9", "2": still}
    study.set_user_attr("shortlist", {"numbers": [4], "excluded": excluded})
    assert lines(study, tmp_path)["barred"] == (
        "trials 2 and 11: not moved away from initialisation"
    )


def test_rounds_say_how_far_they_are_and_where_the_window_stands(
    study: optuna.Study, tmp_path: Path
) -> None:
    assert "rounds" not in lines(study, tmp_path)
    first = {"order": 9, "candidates": [0, 4], "numbers": [0, 4], "excluded": {}}
    first |= {"zone": [None, None], "quota": 4, "affordable": None, "n_probed": 0}
    study.set_user_attr("round/1", first)
    study.set_user_attr("probe/0", PROBE)
    assert lines(study, tmp_path, running=True)["rounds"] == (
        "1 round, 1 of 2 candidates probed; any α, too few were probed to learn a window from"
    )
    study.set_user_attr("probe/4", PROBE)
    second = {**first, "candidates": [7], "numbers": [], "zone": [0.85, None], "n_probed": 2}
    study.set_user_attr("round/2", second)
    found = lines(study, tmp_path)
    assert found["rounds"] == (
        "2 rounds, 2 of 3 candidates probed; α in [0.85, …], learned from the 2 probed before the "
        "last round"
    )
    assert found["shortlist"].endswith("0 (α 1.10): all that were probed")


def test_a_window_as_given_and_none_at_all(tmp_path: Path) -> None:
    one = {"candidates": [0], "numbers": [0], "excluded": {}, "zone": [0.7, 1.3], "quota": None}
    one |= {"affordable": None, "n_probed": 0}
    for name, options, text in (
        ("given", {"zone": "0.7..1.3"}, "α in [0.7, 1.3], as given"),
        ("none", {"filter": False}, "no window of α"),
        (
            "best",
            {"probe_best": 3, "labels": True},
            "the best 3 by the objective when the search was over",
        ),
    ):
        study = recorded_study(tmp_path / name, **options)
        add_trial(study, "finished")
        study.set_user_attr("round/1", one)
        assert lines(study, tmp_path / name)["rounds"].endswith(text)


def test_the_probe_line_stands_beside_what_nobody_trained(
    study: optuna.Study, tmp_path: Path
) -> None:
    for name, accuracy in (("4", 0.9), ("untrained", 0.5), ("pixels", 0.7)):
        study.set_user_attr(f"probe/{name}", {**PROBE, "reported": accuracy})
    assert lines(study, tmp_path)["probe"] == (
        "accuracy on 100 labelled images kept for this line: the chosen backbone 0.900 ± 0.030; "
        "untrained 0.500 ± 0.050; pixels 0.700 ± 0.046"
    )


def test_work_that_kills_lost_has_its_line(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    add_trial(study, "finished", lost_epochs=2)
    add_session(study, 20.0, workers=2)
    found = lines(study, tmp_path)
    assert found["lost"] == (
        "2 epochs (2,000 images, 2.0s) that had to be trained again after an interruption"
    )
    assert found["spent"].startswith("20s (all workers together: 40s): ")
    assert "lost 2.0s (5 %), starting, storing, waiting 28s (70 %)" in found["spent"]
    assert "saved" not in found
    assert "budget" not in found


@pytest.mark.parametrize("running", [True, False])
def test_before_there_is_a_choice(running: bool, tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    add_trial(study, None, epoch=3)
    found = lines(study, tmp_path, running=running)
    assert found["chosen"] == "nothing yet" + (": the study is running" if running else "")
    assert found["next"].startswith("goldilocks status" if running else "goldilocks run --config")


def test_the_table_is_readable_at_a_hundred_columns(study: optuna.Study, tmp_path: Path) -> None:
    shown = page(study, tmp_path)
    assert all(len(line) <= WIDTH for line in shown.splitlines())
    rows = {line.split()[0]: line for line in shown.splitlines()[1:8] if line.split()}
    assert rows["2"].split()[1:8] == ["out", "of", "zone", "3", "5.00", "1.00", "0.50"]
    assert rows["4"].split()[1:3] == ["finished", "*"]
    assert "4 again, seed 1" in rows["5"]


@pytest.mark.parametrize("width", [WIDTH, 76])
def test_only_reasons_and_the_measures_name_are_broken_into_lines(
    width: int, study: optuna.Study
) -> None:
    file = io.StringIO()
    rows = read_rows(study, running=False)
    table = trial_table(rows, measure="lidar_noise_corrected", chosen=4)
    Console(file=file, width=width).print(table)
    head, shown = file.getvalue().splitlines()[0], file.getvalue()
    assert width < WIDTH or head.strip() == "lidar_noise_"
    assert "  out of zone  " in shown
    assert "  finished *   " in shown
    assert "  0.90   0.50   10s   1000  4 again" in shown
