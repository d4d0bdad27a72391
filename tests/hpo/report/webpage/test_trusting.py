"""The sentence in the head: what the probe makes of the chosen trial."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from hpo.report.webpage.material import Material
from hpo.report.webpage.trusting import trust_of
from hpo.storage import StudyDirectory
from tests.hpo.report.webpage.made_pages import add, choose, empty_study


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    """Ten trials that the probe puts in the measure's order, on 2,000 labelled images."""
    study = empty_study(tmp_path, check_labels=True)
    study.set_user_attr("images", {"train": 336, "measure": 64, "probe": 2000, "skipped": 0})
    for n in range(10):
        add(study, guarded_rank=float(n), moved=0.5)
        probe = {"cross_validated": 0.5 + 0.04 * n, "reported": 0.5 + 0.04 * n, "n_reported": 1000}
        study.set_user_attr(f"probe/{n}", {**probe, "seconds": 1.0})
    return study


def said(study: optuna.Study, out: Path) -> str:
    return trust_of(Material.of(study, StudyDirectory(out), running=False))[1]


def test_the_best_is_called_the_best(study: optuna.Study, tmp_path: Path) -> None:
    choose(study, 9)
    assert said(study, tmp_path).startswith(
        "Trial 9 has the best linear probe of the 10 probed that may be chosen. In this study"
    )


def test_a_worse_one_says_how_much_worse(study: optuna.Study, tmp_path: Path) -> None:
    choose(study, 4)
    assert said(study, tmp_path).startswith(
        "Trial 4 probed 20.0 points of accuracy below the best of the 10 probed"
    )


def test_without_a_choice_there_is_no_sentence_but_a_section(
    study: optuna.Study, tmp_path: Path
) -> None:
    section, sentence = trust_of(Material.of(study, StudyDirectory(tmp_path), running=False))
    assert sentence == ""
    assert "</h2>" in section
