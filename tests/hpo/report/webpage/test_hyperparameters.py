"""Importance and the places of trials in the space."""

from __future__ import annotations

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from hpo.report.webpage.hyperparameters import importances_of, places_of
from hpo.report.webpage.material import Material
from hpo.storage import StudyDirectory
from tests.hpo.report.webpage.made_pages import LR, Path, add, choose, empty_study


def material(study: optuna.Study, out: Path) -> Material:
    return Material.of(study, StudyDirectory(out), running=False)


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    """Of 24 trials whose objective is `lr` alone; `noise` does nothing."""
    study = empty_study(tmp_path)
    for n in range(24):
        lr = 10 ** (-5 + 4 * n / 23)
        add(
            study,
            params={"noise": (n * 0.618) % 1, "lr": lr},
            distributions={"noise": FloatDistribution(0, 1), "lr": LR},
            guarded_rank=float(n),
        )
    return study


def test_what_decides_is_the_most_important(study: optuna.Study, tmp_path: Path) -> None:
    found, why_none = importances_of(material(study, tmp_path))
    assert why_none == ""
    assert next(iter(found)) == "lr"
    assert found["lr"] > 0.8
    assert sum(found.values()) == pytest.approx(1.0)
    assert importances_of(material(study, tmp_path))[0] == found


def test_replicates_do_not_count(study: optuna.Study, tmp_path: Path) -> None:
    before, _ = importances_of(material(study, tmp_path))
    for n in range(6):
        params = {"noise": 0.9, "lr": 1e-5}
        spaces = {"noise": FloatDistribution(0, 1), "lr": LR}
        add(
            study,
            params=params,
            distributions=spaces,
            guarded_rank=100.0 + n,
            attrs={"replicate_of": 0, "seed": n},
        )
    assert importances_of(material(study, tmp_path))[0] == before


@pytest.mark.parametrize(
    ("values", "lrs", "why"),
    [
        ([1.0, 2.0], [0.01, 0.02], "2 finished trials; 4 or more are wanted"),
        ([1.0] * 5, [0.01, 0.02, 0.03, 0.04, 0.05], "all finished trials have the same objective"),
        ([1.0, 2.0, 3.0, 4.0], [0.01] * 4, "no hyperparameter differs"),
    ],
)
def test_where_importance_is_unknown_the_reason_is_given(
    values: list[float], lrs: list[float], why: str, tmp_path: Path
) -> None:
    study = empty_study(tmp_path)
    for value, lr in zip(values, lrs, strict=True):
        add(study, params={"lr": lr}, distributions={"lr": LR}, guarded_rank=value)
    found, said = importances_of(material(study, tmp_path))
    assert found == {}
    assert said.startswith(why)


def test_the_two_most_important_are_shown_first(study: optuna.Study, tmp_path: Path) -> None:
    choose(study, 3)
    made = material(study, tmp_path)
    places = places_of(made, importances_of(made)[0])
    assert places["shown"] == ["lr", "noise"]
    assert places["dimensions"][0] == {
        "name": "lr",
        "choices": None,
        "log": True,
        "low": 1e-5,
        "high": 0.1,
    }
    assert [trial["number"] for trial in places["trials"] if trial["chosen"]] == [3]
    assert places["zone"] == [0.8, 1.2]


def test_choices_are_places_by_their_text(tmp_path: Path) -> None:
    study = empty_study(tmp_path, zone="..1.3")
    choices = CategoricalDistribution(("auto", 64, True))
    for value in ("auto", 64, True):
        add(study, params={"width": value}, distributions={"width": choices})
    places = places_of(material(study, tmp_path), {})
    assert places["dimensions"][0]["choices"] == ["auto", "64", "True"]
    assert [trial["values"] for trial in places["trials"]] == [["auto"], ["64"], ["True"]]
    assert places["zone"] == [None, 1.3]
