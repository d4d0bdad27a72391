"""The callback in trainings of both packages, and what the training notices of it: nothing."""

from __future__ import annotations

import importlib
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from hpo.errors import ConfigError
from hpo.lightning_callback import LabelFreeCallback
from objectives import UnknownMeasureError
from tests.hpo.lightning_callback.modules import METHODS, PACKAGES, loader, module, trainer

MEASURES = ("guarded_alpha", "rankme", "alpha_req", "lidar")


def fit(package: str, folder: Path, images: Tensor, callbacks: Any, **options: Any) -> Any:
    """Train the tiny module on the images, in their order, and return it."""
    network = module(package, **options.pop("of_module", {}))
    run = trainer(package, folder, callbacks=callbacks, **{"max_epochs": 2, **options})
    torch.manual_seed(1)
    run.fit(network, loader(images, drop_last=True))
    return network


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("method", METHODS)
def test_modules_as_lightlys_examples_write_them_are_measured_and_logged(
    package: str, method: str, small: Tensor, tmp_path: Path
) -> None:
    label_free = LabelFreeCallback(loader(small[:48]), measures=MEASURES)
    run = trainer(package, tmp_path, callbacks=label_free, max_epochs=1, limit_train_batches=2)
    run.fit(module(package, method), loader(small, batch_size=16))
    assert label_free.values.keys() == {*MEASURES, "moved", "collapsed"}
    for name, value in label_free.values.items():
        logged = run.callback_metrics[f"goldilocks/{name}"].item()
        assert logged == pytest.approx(value, nan_ok=True)
    # 48 images span 48 dimensions, and RankMe is read at the projector's output.
    assert 1.0 < label_free.values["rankme"] < 48.0
    assert 0.0 < label_free.values["moved"] < 1.0


def test_a_training_is_to_the_byte_the_one_without_the_callback(
    small: Tensor, tmp_path: Path
) -> None:
    package = PACKAGES[0]
    alone = fit(package, tmp_path, small, [])
    with_it = LabelFreeCallback(loader(small[:40], shuffle=True), every_n_steps=2)
    measured = fit(package, tmp_path, small, [with_it])
    state, other = alone.state_dict(), measured.state_dict()
    assert all(torch.equal(state[name], other[name]) for name in state)
    assert len(with_it._readings) == 5


def test_every_part_is_back_in_its_own_mode(small: Tensor, tmp_path: Path) -> None:
    package = PACKAGES[1]
    modes: list[list[bool]] = []

    class Watch(importlib.import_module(package).Callback):  # type: ignore[misc]
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            modes.append([part.training for part in pl_module.modules()])

    class Freeze(importlib.import_module(package).Callback):  # type: ignore[misc]
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            pl_module.backbone[1].eval()

    fit(package, tmp_path, small, [Freeze(), Watch(), LabelFreeCallback(loader(small)), Watch()])
    assert modes[0] == modes[1]
    assert not all(modes[0])
    assert any(modes[0])


@pytest.mark.parametrize("package", PACKAGES)
def test_checkpoints_and_early_stopping_monitor_what_is_logged(
    package: str, small: Tensor, tmp_path: Path
) -> None:
    callbacks = importlib.import_module(f"{package}.callbacks")
    best = callbacks.ModelCheckpoint(tmp_path, monitor="goldilocks/guarded_alpha", mode="max")
    # A rank cannot rise by a thousand: the second measure is the last.
    early = callbacks.EarlyStopping(
        "goldilocks/rankme", mode="max", min_delta=1000.0, patience=1, check_finite=False
    )
    label_free = LabelFreeCallback(loader(small[:48]))
    fit(package, tmp_path, small, [best, early, label_free], max_epochs=9)
    assert len(label_free._readings) == 2
    seen = [reading.objective for reading in label_free._readings]
    assert best.best_model_score.item() == pytest.approx(max(seen))


def test_loggers_get_the_start_every_measure_and_the_end(small: Tensor, tmp_path: Path) -> None:
    loggers = importlib.import_module("pytorch_lightning.loggers")
    by_step = LabelFreeCallback(loader(small[:48]), every_n_steps=4, name="often")
    by_epoch = LabelFreeCallback(loader(small[:48]), every_n_epochs=2, name="seldom")
    logger = loggers.CSVLogger(tmp_path)
    # Five steps an epoch, three epochs: the last is no multiple of two, nor the end of four.
    fit(PACKAGES[0], tmp_path, small, [by_step, by_epoch], max_epochs=3, logger=logger)
    rows = (Path(logger.log_dir) / "metrics.csv").read_text().splitlines()
    columns = rows[0].split(",")
    table = [dict(zip(columns, row.split(","), strict=True)) for row in rows[1:]]
    steps = {
        name: [int(row["step"]) for row in table if row[f"{name}/rankme"]]
        for name in ("often", "seldom")
    }
    assert steps == {"often": [0, 3, 7, 11, 14], "seldom": [0, 9, 14]}
    assert [reading.epoch for reading in by_step._readings] == [4, 8, 12, 15]
    assert [reading.epoch for reading in by_epoch._readings] == [2, 3]


def test_a_training_that_others_stop_is_measured_as_it_ends(small: Tensor, tmp_path: Path) -> None:
    label_free = LabelFreeCallback(loader(small[:48]), every_n_epochs=5)
    fit(PACKAGES[0], tmp_path, small, label_free, max_epochs=50, max_steps=7)
    assert [reading.epoch for reading in label_free._readings] == [2]
    assert label_free.result() == label_free.values["guarded_alpha"]


def test_checkpoints_of_the_last_epoch_see_its_own_measure(small: Tensor, tmp_path: Path) -> None:
    callbacks = importlib.import_module("pytorch_lightning.callbacks")
    saved = callbacks.ModelCheckpoint(tmp_path, monitor="goldilocks/rankme", save_top_k=-1)
    label_free = LabelFreeCallback(loader(small[:48]), every_n_epochs=2)
    fit(PACKAGES[0], tmp_path, small, [label_free, saved], max_epochs=3)
    assert [reading.epoch for reading in label_free._readings] == [2, 3]
    assert saved.current_score.item() == pytest.approx(label_free.values["rankme"])


def test_a_collapse_ends_the_training_and_says_why(
    small: Tensor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    label_free = LabelFreeCallback(loader(small))
    dead = {"shrink": True, "lr": 3.0}
    network = fit(PACKAGES[0], tmp_path, small, label_free, max_epochs=8, of_module=dead)
    assert network.trainer.current_epoch == len(label_free._readings) < 8
    assert label_free.verdict.stop
    assert label_free.verdict.kind == "collapse"
    assert label_free.values["collapsed"] == 1.0
    assert label_free.values["guarded_alpha"] == -math.inf
    assert label_free.verdict.reason in caplog.text


def test_a_collapse_may_be_logged_only(small: Tensor, tmp_path: Path) -> None:
    label_free = LabelFreeCallback(loader(small), on_collapse="log")
    dead = {"shrink": True, "lr": 3.0}
    fit(PACKAGES[0], tmp_path, small, label_free, max_epochs=4, of_module=dead)
    assert not label_free.verdict.stop
    assert [reading.epoch for reading in label_free._readings] == [1, 2, 3, 4]


def test_fast_dev_run_measures_and_tells_nobody(small: Tensor, tmp_path: Path) -> None:
    label_free = LabelFreeCallback(loader(small))
    fit(PACKAGES[0], tmp_path, small, label_free, fast_dev_run=True)
    assert label_free.values["rankme"] > 0
    assert label_free._readings == []


def test_validation_without_fit_is_left_alone(small: Tensor, tmp_path: Path) -> None:
    package = PACKAGES[0]
    network = module(package)
    type(network).validation_step = lambda self, batch, batch_idx: None
    label_free = LabelFreeCallback(loader(small))
    run = trainer(package, tmp_path, callbacks=label_free)
    run.validate(network, loader(small), verbose=False)
    assert label_free.values == {}


def test_the_sanity_check_comes_after_the_start(small: Tensor, tmp_path: Path) -> None:
    package = PACKAGES[0]
    network = module(package)
    type(network).validation_step = lambda self, batch, batch_idx: None
    label_free = LabelFreeCallback(loader(small))
    run = trainer(package, tmp_path, callbacks=label_free, max_epochs=1, num_sanity_val_steps=1)
    run.fit(network, loader(small), loader(small))
    assert [reading.epoch for reading in label_free._readings] == [1]


def test_measures_that_need_views_are_refused_by_name_without_them(
    small: Tensor, tmp_path: Path
) -> None:
    plain = DataLoader(TensorDataset(small, torch.arange(160)), batch_size=32)
    with pytest.raises(ConfigError, match="got none from the loader, and guarded_alpha need"):
        fit(PACKAGES[0], tmp_path, small, LabelFreeCallback(plain))
    label_free = LabelFreeCallback(plain, measures=("rankme", "alpha_req"))
    fit(PACKAGES[0], tmp_path, small, label_free, max_epochs=1)
    assert label_free.result() == label_free.values["rankme"]


def test_a_module_without_backbone_says_what_to_pass(small: Tensor, tmp_path: Path) -> None:
    package = PACKAGES[0]
    network = module(package)
    network.encoder = network.backbone
    del network.backbone
    run = trainer(package, tmp_path, callbacks=LabelFreeCallback(loader(small)), max_epochs=1)
    with pytest.raises(ConfigError, match=r"Tiny has no attribute 'backbone' .*encoder.* embed="):
        run.fit(network, loader(small))


def test_two_callbacks_of_one_name_are_refused(small: Tensor, tmp_path: Path) -> None:
    two = [LabelFreeCallback(loader(small)) for _ in range(2)]
    with pytest.raises(RuntimeError, match="state_key"):
        trainer(PACKAGES[0], tmp_path, callbacks=two)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every_n_epochs": 0}, "every_n_epochs: got 0"),
        ({"every_n_epochs": 1, "every_n_steps": 5}, "every_n_steps: got 5 beside"),
        ({"measures": ()}, "measures: got"),
        ({"measures": ("ssl_loss",)}, "measures: got 'ssl_loss'"),
        ({"objective": "lidar"}, "objective: got 'lidar', which is not among"),
        ({"on_collapse": "panic"}, "on_collapse: got 'panic'"),
        ({"n_views": 1}, "n_views: got 1"),
        ({"name": ""}, "name: got none"),
        ({"trial": 3}, "trial: got int"),
        ({"patience": 0}, "patience: got 0"),
    ],
)
def test_impossible_arguments_are_refused_at_once(
    options: dict[str, Any], message: str, small: Tensor
) -> None:
    with pytest.raises(ConfigError, match=message):
        LabelFreeCallback(loader(small), **options)


def test_an_unknown_measure_is_refused_with_the_nearest_name(small: Tensor) -> None:
    with pytest.raises(UnknownMeasureError, match="did you mean 'rankme'"):
        LabelFreeCallback(loader(small), measures=("rank_me",))


def test_nothing_heavy_is_loaded_before_the_callback_is_asked_for() -> None:
    code = (
        "import sys, hpo.lightning_callback as door; "
        "print(sorted({'torch', 'optuna', 'lightning', 'pytorch_lightning'} & set(sys.modules)), "
        "'LabelFreeCallback' in dir(door))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "True"]


def test_the_result_of_nothing_is_refused(small: Tensor) -> None:
    with pytest.raises(ConfigError, match="nothing was measured yet"):
        LabelFreeCallback(loader(small)).result()
