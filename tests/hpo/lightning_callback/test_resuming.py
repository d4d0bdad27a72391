"""A training that goes on from a checkpoint is held against its true start."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hpo.lightning_callback import LabelFreeCallback
from hpo.lightning_callback.network import Network
from tests.hpo.lightning_callback.modules import PACKAGES, loader, module, trainer


def train(folder: Path, images: Tensor, epochs: int, callbacks: Any, **options: Any) -> Any:
    run = trainer(PACKAGES[0], folder, callbacks=callbacks, max_epochs=epochs)
    torch.manual_seed(1)
    run.fit(module(PACKAGES[0]), loader(images), **options)
    return run


def test_a_resumed_training_is_measured_against_its_start(small: Tensor, tmp_path: Path) -> None:
    whole = LabelFreeCallback(loader(small[:64]))
    train(tmp_path, small, 2, whole)
    first = LabelFreeCallback(loader(small[:64]))
    run = train(tmp_path, small, 1, first)
    checkpoint = tmp_path / "half.ckpt"
    run.save_checkpoint(checkpoint)

    resumed = LabelFreeCallback(loader(small[:64]))
    run = train(tmp_path, small, 2, resumed, ckpt_path=checkpoint, weights_only=True)
    assert resumed._start is not None
    assert whole._start is not None
    torch.testing.assert_close(resumed._start.features, whole._start.features)
    assert [reading.epoch for reading in resumed._readings] == [1, 2]
    assert resumed._readings[0] == whole._readings[0]
    network = Network.of(run.lightning_module, None, None)
    against_the_start = whole._gauge.measure(network, whole._start, 0, 1)
    assert resumed.values["moved"] == pytest.approx(against_the_start.values["moved"])


def test_a_training_that_began_without_the_callback_has_no_start_to_be_held_against(
    small: Tensor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = train(tmp_path, small, 1, [])
    run.save_checkpoint(tmp_path / "half.ckpt")
    label_free = LabelFreeCallback(loader(small[:64]))
    train(tmp_path, small, 2, label_free, ckpt_path=tmp_path / "half.ckpt", weights_only=True)
    assert "began without the callback" in caplog.text
    assert math.isnan(label_free.values["moved"])
    assert math.isfinite(label_free.result())


def test_a_second_fit_of_the_same_trainer_goes_on(small: Tensor, tmp_path: Path) -> None:
    label_free = LabelFreeCallback(loader(small[:64]))
    run = train(tmp_path, small, 1, label_free)
    start = label_free._start
    run.fit_loop.max_epochs = 2
    run.fit(run.lightning_module, loader(small))
    assert label_free._start is start
    assert [reading.epoch for reading in label_free._readings] == [1, 2]


def test_a_callback_begins_anew_with_another_training(small: Tensor, tmp_path: Path) -> None:
    label_free = LabelFreeCallback(loader(small[:64]))
    train(tmp_path, small, 1, label_free)
    start = label_free._start
    train(tmp_path, small, 1, label_free)
    assert label_free._start is not start
    assert [reading.epoch for reading in label_free._readings] == [1]
