"""Whose spectra are drawn, from which source, and with which power law."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from safetensors.torch import save_file

from hpo.report.webpage.material import Material
from hpo.report.webpage.spectra import spectra_of
from hpo.storage import StudyDirectory
from objectives import alpha_req
from tests.hpo.report.webpage.made_pages import add, choose, empty_study
from tests.objectives.builders import power_law


def material(study: optuna.Study, out: Path) -> Material:
    return Material.of(study, StudyDirectory(out), running=False)


def recorded(alpha: float, n: int = 64) -> dict[str, Any]:
    values = [3.0 * k**-alpha for k in range(1, n + 1)]
    return {"spectrum/54": {"eigenvalues": values, "ranks": [], "n_ranks": n}}


def test_chosen_median_and_worst_collapsed_are_drawn(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    for value, alpha in ((5.0, 1.0), (1.0, 1.2), (3.0, 1.5), (2.0, 2.0), (4.0, 3.0)):
        add(study, guarded_rank=value, attrs=recorded(alpha))
    add(study, "collapse", guarded_rank=0.5, attrs=recorded(0.4))
    add(study, "collapse", guarded_rank=0.1, attrs=recorded(0.5))
    choose(study, 0)
    found = spectra_of(material(study, tmp_path), None)
    assert [(each["role"], each["number"]) for each in found.drawn] == [
        ("chosen", 0),
        ("median", 2),
        ("collapsed", 6),
    ]
    assert [each["alpha"] for each in found.drawn] == pytest.approx([1.0, 1.5, 0.5], abs=1e-4)
    first = found.drawn[0]
    assert first["values"][0] == 1.0
    assert first["line"][0] == [4, 64]
    assert first["line"][1] == pytest.approx([1 / 4, 1 / 64], rel=1e-3)
    assert found.missing == ()
    assert found.source == "images that only the measures saw"


def test_the_chosen_trial_is_not_its_own_median(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    for value in (1.0, 2.0, 3.0):
        add(study, guarded_rank=value, attrs=recorded(1.0))
    choose(study, 1)
    found = spectra_of(material(study, tmp_path), None)
    assert [each["number"] for each in found.drawn] == [1, 0]
    assert found.missing == ("no trial collapsed",)


def test_kept_features_tell_the_same_alpha_as_the_measure(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    choose(study, add(study))
    features = power_law(1.3, 300, 40).float()
    (tmp_path / "features").mkdir()
    save_file({"features": features}, tmp_path / "features" / "trial-0000-0054.safetensors")
    found = spectra_of(material(study, tmp_path), None)
    assert found.drawn[0]["alpha"] == pytest.approx(alpha_req(features).alpha, rel=1e-3)
    assert found.source == "labelled images that only probes saw"


def test_damaged_and_collapsed_features_are_said_to_be_missing(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    choose(study, add(study))
    add(study, "collapse", epoch=54)
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "trial-0000-0054.safetensors").write_bytes(b"nothing of the kind")
    constant = torch.ones(50, 8)
    save_file({"features": constant}, folder / "trial-0001-0054.safetensors")
    found = spectra_of(material(study, tmp_path), None)
    assert found.drawn == ()
    assert "neither features nor checkpoints are kept" in found.missing[0]


def test_a_role_whose_spectrum_nobody_kept_is_named(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    choose(study, add(study, attrs=recorded(1.0)))
    add(study, "collapse", epoch=6)
    found = spectra_of(material(study, tmp_path), None)
    assert [each["role"] for each in found.drawn] == ["chosen"]
    assert found.missing == (
        "no other finished",
        "no spectrum and no features of collapsed trials are kept",
    )
