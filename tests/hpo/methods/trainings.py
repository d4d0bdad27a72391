"""What the tests of the methods share: short trainings on the digits, and one that resumes."""

import io
from typing import Any

import torch
from torch import Tensor

from hpo.backbones import backbone_spec
from hpo.embedding import Normalisation
from hpo.optimization import OptimizerPlan
from hpo.training import Training, TrainingPlan
from hpo.views import ViewPlan


def small_training(
    name: str,
    images: Tensor,
    *,
    n_epochs: int,
    batch_size: int = 32,
    lr: float = 8e-3,
    **hyperparameters: Any,
) -> Training:
    plan = TrainingPlan(
        backbone=backbone_spec("resnet10_narrow", image_size=8, in_channels=1),
        method=name,
        method_parameters=hyperparameters,
        n_epochs=n_epochs,
        batch_size=batch_size,
        views=ViewPlan.for_size(8),
        optimizer=OptimizerPlan(lr=lr),
        seed=0,
    )
    return Training(plan, images, Normalisation.of(images), torch.device("cpu"))


def losses_of(training: Training) -> list[float]:
    """Train to the end; the mean loss of each epoch."""
    return [training.run_epoch() for _ in range(training.epoch, training.plan.n_epochs)]


def assert_learns(
    name: str, images: Tensor, *, by: float, n_epochs: int = 5, **settings: Any
) -> None:
    """In its last epoch the loss is below that of a training that stands still, same draws.

    Its own first epoch is no measure: TiCo's covariance fills up, and teachers lag at first.
    """
    still = losses_of(small_training(name, images, n_epochs=n_epochs, **{**settings, "lr": 1e-12}))
    moved = losses_of(small_training(name, images, n_epochs=n_epochs, **settings))
    assert moved[-1] < still[-1] - by, (moved, still)


def assert_resumes_exactly(
    name: str, images: Tensor, *, batch_size: int = 32, **hyperparameters: Any
) -> None:
    """A training that stops after its first epoch and goes on from the file ends the same."""

    def fresh() -> Training:
        return small_training(name, images, n_epochs=3, batch_size=batch_size, **hyperparameters)

    whole, first, second = fresh(), fresh(), fresh()
    expected = losses_of(whole)
    got = [first.run_epoch()]
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    # A process of its own would have drawn other numbers by now.
    torch.manual_seed(12345)
    second.load_state_dict(torch.load(file, weights_only=True))
    got += losses_of(second)
    assert got == expected
    states = whole.learner.state_dict(), second.learner.state_dict()
    assert states[0].keys() == states[1].keys()
    for key, value in states[0].items():
        assert torch.equal(value, states[1][key]), key
