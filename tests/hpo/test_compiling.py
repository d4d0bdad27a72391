"""Compiling is decided by the first epoch: only a long training pays for it."""

import math
from dataclasses import replace
from functools import partialmethod

import pytest
import torch
from torch import nn

import hpo.training
from hpo.training import COMPILE_PAYS_AFTER_SECONDS, Training, TrainingPlan, compile_pays
from tests.hpo.devices.trials import alone, plan


@pytest.mark.parametrize(
    ("epoch_seconds", "n_epochs_left", "expected"),
    [(600.0, 1, False), (600.1, 1, True), (1.0, 601, True), (1.0, 600, False), (900.0, 0, False)],
)
def test_compiling_pays_when_more_than_ten_minutes_are_left(
    epoch_seconds: float, n_epochs_left: int, expected: bool
) -> None:
    assert COMPILE_PAYS_AFTER_SECONDS == 600
    assert compile_pays(epoch_seconds, n_epochs_left) is expected


def long(*, compiled: bool = True) -> TrainingPlan:
    """13 steps an epoch, after the tenth of which BatchNorm's momenta are their own."""
    return replace(plan(), batch_size=4, compiled=compiled)


def is_compiled(made: Training) -> bool:
    return made.learner._compiled_call_impl is not None


def test_a_short_training_is_not_compiled() -> None:
    made = alone(long())
    assert made.compiled is None
    assert math.isnan(made.epoch_seconds)
    made.run_epoch()
    assert made.compiled is False
    assert not is_compiled(made)
    assert 0 < made.epoch_seconds < 60


def test_nothing_is_decided_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hpo.training, "COMPILE_PAYS_AFTER_SECONDS", 0.0)
    made = alone(long(compiled=False))
    made.run_epoch()
    assert made.compiled is None
    assert not is_compiled(made)


def test_it_is_decided_once_no_momentum_changes() -> None:
    """Each change would compile the learner anew."""
    made = alone(replace(plan(), compiled=True))
    decided = []
    for _ in range(4):
        made.run_epoch()
        decided.append(made.compiled)
    assert made.steps_per_epoch == 3
    assert decided == [None, None, None, False]  # after 3, 6, 9 and 12 steps


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:::torch", "ignore:The .grad attribute:UserWarning")
def test_a_long_training_goes_on_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced as ever, but run without generated code, which would take minutes to build."""
    monkeypatch.setattr(hpo.training, "COMPILE_PAYS_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend="eager"))
    made, plain = alone(long()), alone(long(compiled=False))
    assert [made.run_epoch(), made.compiled] == [plain.run_epoch(), True]
    assert is_compiled(made)
    assert made.run_epoch() == pytest.approx(plain.run_epoch(), rel=1e-5)
    assert list(made.state_dict()["learner"]) == list(plain.state_dict()["learner"])
    torch.compiler.reset()


def test_images_are_counted_by_whole_batches() -> None:
    made = alone(plan())  # 54 images in batches of 16
    assert (made.images_per_epoch, made.n_images_seen) == (48, 0)
    made.run_epoch()
    made.run_epoch()
    assert made.n_images_seen == 96
