"""MMCR's step is that of Lightly's example with its outputs on the unit sphere."""

import copy
import math

import pytest
import torch
from lightly.loss import MMCRLoss
from lightly.models.modules.heads import MMCRProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor
from torch.nn.functional import normalize
from torch.testing import assert_close

from hpo.methods.manifold import ManifoldCapacity
from tests.hpo.methods.steps import (
    DIM,
    assert_same_step,
    moved_student,
    small_learner,
    views_for,
)
from tests.hpo.methods.trainings import assert_learns, assert_resumes_exactly


@pytest.mark.parametrize("objective", ["on", "off"])
def test_mmcr_is_lightlys_example_on_the_sphere(objective: str, digits: Tensor) -> None:
    learner = moved_student(
        "mmcr", lmda=0.05, local_objective=objective, one_minus_momentum=0.1, n_views=3
    )
    views = views_for(learner, digits)
    assert len(views) == 3
    backbone = copy.deepcopy(learner.backbone)
    projection_head = MMCRProjectionHead(DIM, 4 * DIM, DIM)
    projection_head.load_state_dict(learner.projector.state_dict())
    assert learner.teacher is not None
    backbone_momentum, projection_head_momentum = copy.deepcopy(learner.teacher).children()
    deactivate_requires_grad(backbone_momentum)
    deactivate_requires_grad(projection_head_momentum)
    criterion = MMCRLoss(lmda=0.05 if objective == "on" else 0.0)

    momentum = cosine_schedule(3, 10, 0.9, 1)
    update_momentum(backbone, backbone_momentum, m=momentum)
    update_momentum(projection_head, projection_head_momentum, m=momentum)
    z_o = [projection_head(backbone(x).flatten(start_dim=1)) for x in views]
    z_m = [projection_head_momentum(backbone_momentum(x).flatten(start_dim=1)) for x in views]
    online = normalize(torch.stack(z_o, dim=1), dim=-1)  # the example leaves this out
    written = criterion(online, normalize(torch.stack(z_m, dim=1), dim=-1).detach())

    learner.before_step(3, 10)
    assert_same_step(learner, learner(views), backbone, written)


@pytest.mark.parametrize("lmda", [0.0, 0.3])
def test_the_loss_is_lightlys(lmda: float) -> None:
    generator = torch.Generator().manual_seed(0)
    online, momentum = (torch.randn(12, 3, 7, generator=generator) for _ in range(2))
    mine = ManifoldCapacity(lmda)(torch.cat([online, momentum], dim=1))
    assert_close(mine, MMCRLoss(lmda)(online, momentum))


@pytest.mark.parametrize(("n", "dim"), [(24, 8), (8, 24)])
def test_the_loss_is_bounded_where_lightlys_falls_without_end(n: int, dim: int) -> None:
    bound = -math.sqrt(n * min(n, dim))
    mine, theirs = descended(n, dim, mine=True), descended(n, dim, mine=False)
    assert theirs < 3 * bound
    assert bound <= mine < 0.97 * bound


def descended(n: int, dim: int, *, mine: bool) -> float:
    """The loss of free embeddings after gradient descent on them."""
    criterion = small_learner("mmcr", local_objective="off").criterion
    torch.manual_seed(0)
    free = torch.randn(n, dim, requires_grad=True)
    optimizer = torch.optim.Adam([free], lr=0.1)
    for _ in range(300):
        views = [free, free.detach()]
        stack = free.unsqueeze(1)
        loss = criterion(views, views) if mine else MMCRLoss(0.0)(stack, stack.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def test_the_weight_counts_only_while_the_local_objective_is_on(digits: Tensor) -> None:
    def loss(**hyperparameters: object) -> float:
        learner = small_learner("mmcr", n_views=2, **hyperparameters)
        return learner(views_for(learner, digits)).item()

    assert loss(local_objective="off", lmda=0.1) == loss(local_objective="off", lmda=0.001)
    on = [loss(local_objective="on", lmda=lmda) for lmda in (0.1, 0.001)]
    assert on[0] > on[1] > loss(local_objective="off")


def test_the_momentum_and_the_number_of_views_are_those_asked_for() -> None:
    learner = small_learner("mmcr", one_minus_momentum=0.2, n_views=5)
    assert learner.momentum == pytest.approx(0.8)
    assert (learner.n_global, learner.n_local) == (5, 0)


def test_mmcr_learns_and_resumes(digits: Tensor) -> None:
    assert_learns("mmcr", digits, by=0.4, n_views=3, one_minus_momentum=0.5)
    assert_resumes_exactly("mmcr", digits[:64], n_views=2)
