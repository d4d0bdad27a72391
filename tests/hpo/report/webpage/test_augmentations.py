"""The views of the page are those of the trial's own training."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpo.errors import ConfigError
from hpo.record import TrialRow
from hpo.report.webpage.augmentations import augmentations_of
from hpo.workload import Workload, prepare
from tests.hpo.studies import tiny

PARAMS = {"lr": 0.01, "weight_decay": 0.1, "temperature": 0.2}
ROW = TrialRow(3, "finished", 6, 1.0, {}, "", 1.0, 1.0, PARAMS)
PLAIN = {"min_scale": 1.0, "hf_prob": 0.0, "cj_prob": 0.0}


@pytest.fixture(scope="module")
def workload() -> Workload:
    return prepare(tiny(Path("never-written"), max_images=400, measure_images=64))


def pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_six_images_with_six_views_each_and_always_the_same(workload: Workload) -> None:
    found = augmentations_of(workload, ROW)
    assert [len(each.views) for each in found] == [6] * 6
    assert len({each.uri for each in found}) == 6
    assert augmentations_of(workload, ROW) == found
    assert len({view for each in found for view in each.views}) > 30


def test_a_trials_own_options_of_the_views_count(workload: Workload) -> None:
    for each in augmentations_of(workload, replace(ROW, hyperparameters={**PARAMS, **PLAIN})):
        for view in each.views:
            # The aspect ratio of a whole crop still varies; its place is the image's own.
            assert abs(pixels(view).astype(int) - pixels(each.uri)).mean() < 30
    drawn = augmentations_of(workload, ROW)
    far = [abs(pixels(v).astype(int) - pixels(e.uri)).mean() for e in drawn for v in e.views]
    assert float(np.mean(far)) > 30


def test_views_by_lightlys_own_transforms(workload: Workload) -> None:
    config = workload.config.model_copy(update={"pipeline": "lightly"})
    found = augmentations_of(replace(workload, config=config), ROW)
    assert [len(each.views) for each in found] == [6] * 6
    assert found != augmentations_of(workload, ROW)


def test_hyperparameters_of_another_version_are_named(workload: Workload) -> None:
    for params in ({"temperature": 0.1}, {**PARAMS, "gone": 3}):
        with pytest.raises(ConfigError, match="trial 3: its hyperparameters do not fit simclr"):
            augmentations_of(workload, replace(ROW, hyperparameters=params))
