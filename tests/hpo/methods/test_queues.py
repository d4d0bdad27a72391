"""MoCo's and NNCLR's steps are those of Lightly's examples, and their queues are kept."""

import copy
from typing import Any

import pytest
import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import NNMemoryBankModule
from lightly.models.modules.heads import (
    BYOLPredictionHead,
    BYOLProjectionHead,
    MoCoProjectionHead,
    NNCLRPredictionHead,
    NNCLRProjectionHead,
)
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor, nn

from hpo.errors import ConfigError
from hpo.methods import Learner, build_method
from tests.hpo.methods.steps import (
    DIM,
    assert_same_step,
    moved_student,
    small_learner,
    two_views,
)
from tests.hpo.methods.trainings import assert_learns, assert_resumes_exactly


def momentum_copies(learner: Learner) -> tuple[nn.Module, nn.Module]:
    assert learner.teacher is not None
    backbone_momentum, projection_head_momentum = copy.deepcopy(learner.teacher).children()
    deactivate_requires_grad(backbone_momentum)
    deactivate_requires_grad(projection_head_momentum)
    return backbone_momentum, projection_head_momentum


def test_mocov2_is_lightlys_example(digits: Tensor) -> None:
    """Two steps: in the second, the negatives are the first one's keys."""
    learner = moved_student("mocov2", temperature=0.3, queue=40, one_minus_momentum=0.1)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = MoCoProjectionHead(DIM, DIM, 128)
    projection_head.load_state_dict(learner.projector.state_dict())
    backbone_momentum, projection_head_momentum = momentum_copies(learner)
    criterion = NTXentLoss(temperature=0.3, memory_bank_size=(40, 128))
    criterion.memory_bank.bank.copy_(learner.criterion.criterion.memory_bank.bank)

    for step, views in enumerate([two_views(digits), two_views(digits[24:])]):
        momentum = cosine_schedule(step, 10, 0.9, 1)
        update_momentum(backbone, backbone_momentum, m=momentum)
        update_momentum(projection_head, projection_head_momentum, m=momentum)
        query = projection_head(backbone(views[0]).flatten(start_dim=1))
        key = projection_head_momentum(backbone_momentum(views[1]).flatten(start_dim=1)).detach()
        backbone.zero_grad()
        learner.zero_grad()
        learner.before_step(step, 10)
        assert_same_step(learner, learner(views), backbone, criterion(query, key))


def test_nnclr_is_lightlys_example(digits: Tensor) -> None:
    """Two steps: in the second, the neighbours are embeddings of the first one's second view."""
    learner = small_learner("nnclr", temperature=0.3, queue=40)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = NNCLRProjectionHead(DIM, DIM, 256)
    projection_head.load_state_dict(learner.projector.state_dict())
    prediction_head = NNCLRPredictionHead(256, 2 * DIM, 256)
    prediction_head.load_state_dict(learner.predictor.state_dict())
    memory_bank = NNMemoryBankModule(size=(40, 256))
    memory_bank.bank.copy_(learner.criterion.bank.bank)
    criterion = NTXentLoss(temperature=0.3)

    for views in (two_views(digits), two_views(digits[24:])):
        z0 = projection_head(backbone(views[0]).flatten(start_dim=1))
        z1 = projection_head(backbone(views[1]).flatten(start_dim=1))
        p0, p1 = prediction_head(z0), prediction_head(z1)
        z0 = memory_bank(z0.detach(), update=False)
        z1 = memory_bank(z1.detach(), update=True)
        backbone.zero_grad()
        learner.zero_grad()
        written = 0.5 * (criterion(z0, p1) + criterion(z1, p0))
        assert_same_step(learner, learner(views), backbone, written)
        assert torch.equal(learner.criterion.bank.bank, memory_bank.bank)


def test_mocov3_is_byols_networks_under_nt_xent(digits: Tensor) -> None:
    learner = moved_student("mocov3", temperature=0.3, one_minus_momentum=0.1)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = BYOLProjectionHead(DIM, 8 * DIM, 256)
    projection_head.load_state_dict(learner.projector.state_dict())
    prediction_head = BYOLPredictionHead(256, 8 * DIM, 256)
    prediction_head.load_state_dict(learner.predictor.state_dict())
    backbone_momentum, projection_head_momentum = momentum_copies(learner)
    criterion = NTXentLoss(temperature=0.3)

    momentum = cosine_schedule(3, 10, 0.9, 1)
    update_momentum(backbone, backbone_momentum, m=momentum)
    update_momentum(projection_head, projection_head_momentum, m=momentum)
    q0, q1 = (prediction_head(projection_head(backbone(view))) for view in views)
    k0, k1 = (projection_head_momentum(backbone_momentum(view)).detach() for view in views)
    written = 0.5 * (criterion(q0, k1) + criterion(q1, k0))

    learner.before_step(3, 10)
    assert_same_step(learner, learner(views), backbone, written)


@pytest.mark.parametrize("name", ["mocov2", "nnclr"])
def test_queues_survive_a_checkpoint(name: str, digits: Tensor) -> None:
    assert_resumes_exactly(name, digits, queue=80)


def test_the_queue_counts_in_the_size_of_a_checkpoint() -> None:
    short, long = (build_method("mocov2", 64, queue=queue).criterion for queue in (256, 1024))
    n_values = [sum(t.numel() for t in c.state_dict().values()) for c in (short, long)]
    assert n_values[1] - n_values[0] == (1024 - 256) * 128


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("mocov2", {"n_epochs": 8, "queue": 64, "temperature": 0.1}),
        ("mocov3", {}),
        ("nnclr", {"queue": 64}),
    ],
)
def test_the_loss_falls(name: str, settings: dict[str, Any], digits: Tensor) -> None:
    assert_learns(name, digits, by=0.1, **settings)


@pytest.mark.parametrize(
    ("name", "hyperparameter", "value"),
    [
        ("mocov2", "temperature", 0.3),
        ("mocov2", "queue", 256),
        ("mocov3", "temperature", 0.3),
        ("nnclr", "temperature", 0.3),
        ("nnclr", "queue", 256),
    ],
)
def test_every_hyperparameter_has_an_effect(
    name: str, hyperparameter: str, value: float, digits: Tensor
) -> None:
    views = two_views(digits)
    default = small_learner(name)(views).item()
    changed = small_learner(name, **{hyperparameter: value})(views).item()
    assert changed != pytest.approx(default, rel=1e-4)


@pytest.mark.parametrize("name", ["mocov2", "mocov3"])
def test_the_momentum_is_the_methods(name: str) -> None:
    assert build_method(name, 64, one_minus_momentum=0.25).momentum == 0.75


@pytest.mark.parametrize(("name", "published"), [("mocov2", 128), ("mocov3", 256), ("nnclr", 256)])
def test_the_embeddings_are_as_wide_as_asked_for(name: str, published: int) -> None:
    """Projector, predictor and queue: a batch goes through all three."""
    for dim, given, width in ((2048, {}, published), (64, {"projector_width": 32}, 32)):
        method = build_method(name, dim, **given)
        z = [method.projector(torch.randn(8, dim)) for _ in range(2)]
        q = [method.predictor(a) for a in z]
        assert z[0].shape == q[0].shape == (8, width)
        assert method.criterion(q, [a.detach() for a in z]).isfinite()


@pytest.mark.parametrize("name", ["mocov2", "mocov3", "nnclr"])
def test_no_loss_sees_the_scale_of_the_embeddings(name: str) -> None:
    method = build_method(name, 128, projector_width=64)
    again = copy.deepcopy(method.criterion)
    z, q = torch.randn(2, 24, 64), torch.randn(2, 24, 64)
    losses = method.criterion([*q], [*z]), again([*(q / 2)], [*(z / 2)])
    assert torch.allclose(*losses)
    assert method.loss_sees_scale is False


@pytest.mark.parametrize(
    ("name", "hyperparameter", "value"),
    [
        ("mocov2", "temperature", 0.0),
        ("mocov2", "one_minus_momentum", 0.0),
        ("mocov2", "queue", 0),
        ("mocov3", "temperature", 0.0),
        ("mocov3", "one_minus_momentum", 1.5),
        ("nnclr", "temperature", 0.0),
        ("nnclr", "queue", 0),
        ("nnclr", "projector_width", 1),
    ],
)
def test_impossible_values_are_refused(name: str, hyperparameter: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{hyperparameter}: got {value}; wanted"):
        build_method(name, 64, **{hyperparameter: value})
