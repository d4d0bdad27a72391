"""The backbones of the best trials: kept, loaded again, and the others gone."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest
import torch

from hpo.backbones import load_chosen
from hpo.errors import StorageError
from tests.hpo.label_free.studies import made


def test_the_best_are_kept_apart_for_each_study_and_load_again(tmp_path: Path) -> None:
    objective = made(epochs=1, out=tmp_path / "out", keep=1, fix={"weight_decay": 0.01})
    for name in ("mine", "../other"):
        study = optuna.create_study(direction=objective.direction, study_name=name)
        for rate in (1e-4, 4e-3, 1e-4):
            study.enqueue_trial({"lr": rate, "temperature": 0.2})
        study.optimize(objective, n_trials=3)
        values = [trial.value for trial in study.trials]
        assert values[0] == values[2] != values[1]
    folders = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert folders == ["%2E.%2Fother", "mine"]
    kept = sorted(path.name for path in (tmp_path / "out" / "mine").glob("trial-*"))
    # The best; and with it who is nearer to the zone, if that is another.
    assert f"trial-{study.best_trial.number:04d}" in kept
    assert "trial-0002" not in kept  # the same as trial 0, and later
    folder = tmp_path / "out" / "mine" / kept[0]
    network, card = load_chosen(folder), json.loads((folder / "card.json").read_bytes())
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, card["features"])
    assert card["chosen"]["objective"] == "guarded_alpha"
    assert "one of the best of mine" in card["chosen"]["reason"]
    assert card["trained"]["epochs"] == 1


def test_a_network_that_did_not_move_is_not_kept(tmp_path: Path) -> None:
    objective = made(epochs=1, out=tmp_path, least_moved=1.0)
    study = optuna.create_study(direction=objective.direction)
    study.optimize(objective, n_trials=1)
    assert list(tmp_path.rglob("*.safetensors")) == []


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="out: "):
        made(out=tmp_path / "file")
