"""Which options a trainable takes, and what becomes of paths."""

from pathlib import Path

import numpy as np
import pytest

from hpo.errors import ConfigError
from hpo.options import StudyConfig
from hpo.ray_tune.sampled import hyperparameters_in
from hpo.ray_tune.user_options import USED, user_config
from search_spaces import SpaceError, get


def test_every_option_it_takes_is_a_studys() -> None:
    assert set(StudyConfig.model_fields) >= USED


@pytest.mark.parametrize("name", sorted({*StudyConfig.model_fields} - USED))
def test_an_option_about_which_trials_there_are_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: got 1, .* goldilocks run"):
        user_config({name: 1})


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'batchsize' .did you mean 'batch_size'"):
        user_config({"batchsize": 64})


def test_paths_are_absolute_because_ray_runs_a_trial_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\ndef small():\n    return nn.Linear(2, 2)\n"
    )
    config = user_config(
        {"data": "photos", "cache_dir": "cache", "data_root": "~/data", "backbone": "net.py:small"}
    )
    assert config.data == str(tmp_path / "photos")
    assert config.cache_dir == tmp_path / "cache"
    assert config.data_root == Path.home() / "data"
    assert config.backbone == f"{tmp_path}/net.py:small"


@pytest.mark.parametrize("data", ["digits", "torchvision:CIFAR10"])
def test_a_named_data_set_is_no_path(data: str) -> None:
    assert user_config({"data": data}).data == data


def test_numpys_numbers_and_words_become_pythons() -> None:

    found = hyperparameters_in(
        {"projector_width": np.str_("auto"), "lr": np.float64(0.5)}, get("simclr")
    )
    assert type(found["lr"]) is float
    assert type(found["projector_width"]) is str


def test_what_was_sampled_must_be_hyperparameters_that_go_together() -> None:
    space = get("dino")
    with pytest.raises(SpaceError, match="is no hyperparameter of dino"):
        hyperparameters_in({"depth": 3}, space)
    with pytest.raises(SpaceError, match=r"^teacher_temp|^student_temp"):
        hyperparameters_in({"teacher_temp": 0.4, "student_temp": 0.1}, space)
