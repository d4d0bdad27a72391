"""The steps of Barlow Twins, VICReg, FroSSL and TiCo are those of Lightly's examples."""

import copy
from typing import Any

import pytest
import torch
from lightly.loss import BarlowTwinsLoss, FroSSLLoss, TiCoLoss, VICRegLoss
from lightly.models.modules.heads import (
    BarlowTwinsProjectionHead,
    TiCoProjectionHead,
    VICRegProjectionHead,
)
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor
from torch.testing import assert_close

from hpo.methods import Learner
from tests.hpo.methods.steps import (
    DIM,
    assert_same_step,
    moved_student,
    small_learner,
    two_views,
    views_for,
)
from tests.hpo.methods.trainings import assert_learns, assert_resumes_exactly, small_training


def test_barlow_twins_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("barlow_twins", lambda_param=0.02)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = BarlowTwinsProjectionHead(DIM, 4 * DIM, 4 * DIM)
    projection_head.load_state_dict(learner.projector.state_dict())
    criterion = BarlowTwinsLoss(lambda_param=0.02)

    z0 = projection_head(backbone(views[0]).flatten(start_dim=1))
    z1 = projection_head(backbone(views[1]).flatten(start_dim=1))
    assert_same_step(learner, learner(views), backbone, criterion(z0, z1))


def test_vicreg_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("vicreg", sim=10.0, var=20.0, cov=3.0)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = VICRegProjectionHead(DIM, 4 * DIM, 4 * DIM, num_layers=2)
    projection_head.load_state_dict(learner.projector.state_dict())
    criterion = VICRegLoss(lambda_param=10.0, mu_param=20.0, nu_param=3.0)

    z0 = projection_head(backbone(views[0]).flatten(start_dim=1))
    z1 = projection_head(backbone(views[1]).flatten(start_dim=1))
    assert_same_step(learner, learner(views), backbone, criterion(z0, z1))


def test_of_these_only_vicreg_sees_the_scale_of_the_embeddings(digits: Tensor) -> None:
    views = two_views(digits)
    names = ("barlow_twins", "byol", "frossl", "mmcr", "simclr", "simsiam", "tico", "vicreg")
    for name in names:
        losses = []
        for scale in (1.0, 0.5):
            learner = small_learner(name)
            z = [learner.predictor(learner.projector(learner.backbone(view))) for view in views]
            scaled = [scale * a for a in z]
            losses.append(learner.criterion(scaled, scaled).item())
        unchanged = abs(losses[0] - losses[1]) < 1e-3 * abs(losses[0])
        assert learner.loss_sees_scale is not unchanged, name


def test_frossl_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("frossl", invariance=3.0)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = VICRegProjectionHead(DIM, 4 * DIM, 4 * DIM, num_layers=2)
    projection_head.load_state_dict(learner.projector.state_dict())
    criterion = FroSSLLoss(invariance_weight=3.0)

    z0 = projection_head(backbone(views[0]).flatten(start_dim=1))
    z1 = projection_head(backbone(views[1]).flatten(start_dim=1))
    assert_same_step(learner, learner(views), backbone, criterion([z0, z1]))


def test_tico_is_lightlys_example(digits: Tensor) -> None:
    """Two steps, so that the covariance of the first one is seen by the second."""
    learner = moved_student("tico", rho=20.0, one_minus_beta=0.3, one_minus_momentum=0.1)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = TiCoProjectionHead(DIM, 8 * DIM, 256)
    projection_head.load_state_dict(learner.projector.state_dict())
    assert learner.teacher is not None
    backbone_momentum, projection_head_momentum = copy.deepcopy(learner.teacher).children()
    deactivate_requires_grad(backbone_momentum)
    deactivate_requires_grad(projection_head_momentum)
    criterion = TiCoLoss(beta=0.7, rho=20.0)

    for step in (3, 4):
        momentum = cosine_schedule(step, 10, 0.9, 1)
        update_momentum(backbone, backbone_momentum, m=momentum)
        update_momentum(projection_head, projection_head_momentum, m=momentum)
        z0 = projection_head(backbone(views[0]).flatten(start_dim=1))
        z1 = projection_head_momentum(backbone_momentum(views[1]).flatten(start_dim=1)).detach()
        written = criterion(z0, z1)
        learner.before_step(step, 10)
        for net in (learner, backbone):
            net.zero_grad()
        assert_same_step(learner, learner(views), backbone, written)
    assert criterion.C is not None
    assert_close(covariance_of(learner), criterion.C)


def covariance_of(learner: Learner) -> Tensor:
    (covariance,) = [b for n, b in learner.criterion.named_buffers() if n.endswith(".C")]
    return covariance


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("barlow_twins", {"lambda_param": 0.01}),
        ("frossl", {"invariance": 2.0}),
        ("tico", {"rho": 16.0}),
        ("tico", {"one_minus_beta": 0.2}),
        ("vicreg", {"cov": 2.0}),
        ("vicreg", {"sim": 50.0}),
        ("vicreg", {"var": 50.0}),
    ],
)
def test_every_hyperparameter_has_an_effect(
    name: str, changed: dict[str, Any], digits: Tensor
) -> None:
    losses = []
    for hyperparameters in ({}, changed):
        learner = small_learner(name, **hyperparameters)
        losses.append(learner(views_for(learner, digits)).item())
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)


def test_ticos_momentum_is_the_one_asked_for() -> None:
    assert small_learner("tico", one_minus_momentum=0.2).momentum == pytest.approx(0.8)


def test_ticos_covariance_is_part_of_a_checkpoint(digits: Tensor) -> None:
    """Lightly's own is lost: the state of a used loss is empty."""
    theirs = TiCoLoss()
    theirs(torch.randn(8, 4), torch.randn(8, 4))
    assert theirs.C is not None
    assert not theirs.state_dict()
    training = small_training("tico", digits[:64], n_epochs=1)
    training.run_epoch()
    (saved,) = [v for n, v in training.state_dict()["learner"].items() if n.endswith(".C")]
    assert saved.trace().item() == pytest.approx(1 - 0.9**2, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "by"), [("barlow_twins", 50.0), ("frossl", 10.0), ("tico", 0.2), ("vicreg", 0.3)]
)
def test_it_learns_and_resumes(name: str, by: float, digits: Tensor) -> None:
    assert_learns(name, digits, by=by)
    assert_resumes_exactly(name, digits[:64])
