"""The steps of LeJEPA and VISReg are Lightly's, and their draws come back after a stop."""

import copy
from typing import Any

import pytest
import torch
from lightly.loss import LeJEPALoss, VISRegLoss
from lightly.models.modules.heads import LeJEPAProjectionHead, ProjectionHead
from torch import Tensor, nn

from hpo.methods import Learner
from tests.hpo.methods.steps import DIM, assert_same_step, small_learner, views_for
from tests.hpo.methods.trainings import assert_learns, assert_resumes_exactly


def assert_example(
    learner: Learner, projection_head: nn.Module, criterion: nn.Module, digits: Tensor
) -> None:
    """The step of examples/pytorch/lejepa.py; VISReg has none, but the same signature."""
    views = views_for(learner, digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head.load_state_dict(learner.projector.state_dict())

    torch.manual_seed(7)
    loss = learner(views)
    torch.manual_seed(7)
    outputs = [projection_head(backbone(view)) for view in views]
    global_proj = torch.stack(outputs[: learner.n_global])
    local_proj = torch.stack(outputs[learner.n_global :])
    written = criterion(local_proj=local_proj, global_proj=global_proj)
    assert_same_step(learner, loss, backbone, written)


def test_lejepa_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("lejepa", lambda_param=0.3, n_local=3)
    assert (learner.n_global, learner.n_local) == (2, 3)
    head = LeJEPAProjectionHead(DIM, 4 * DIM, 64)
    assert_example(learner, head, LeJEPALoss(lambda_param=0.3), digits)


def test_visreg_is_lightlys_benchmark(digits: Tensor) -> None:
    learner = small_learner("visreg", lambda_param=0.4, n_global=3, n_local=1)
    assert (learner.n_global, learner.n_local) == (3, 1)
    hidden = 4 * DIM
    head = ProjectionHead(
        [
            (DIM, hidden, nn.BatchNorm1d(hidden), nn.GELU()),
            (hidden, hidden, nn.BatchNorm1d(hidden), nn.GELU()),
            (hidden, 256, None, None),
        ]
    )
    assert_example(learner, head, VISRegLoss(lambda_param=0.4), digits)


@pytest.mark.parametrize("name", ["lejepa", "visreg"])
def test_without_local_views_the_global_ones_stand_for_them(name: str, digits: Tensor) -> None:
    learner = small_learner(name, n_local=0)
    views = views_for(learner, digits)
    assert len(views) == learner.n_global
    z = torch.stack([learner.projector(learner.backbone(view)) for view in views])
    losses = {"lejepa": LeJEPALoss(0.05), "visreg": VISRegLoss(0.9)}
    torch.manual_seed(7)
    written = losses[name](local_proj=z, global_proj=z)
    torch.manual_seed(7)
    assert learner.criterion(list(z), list(z)).item() == pytest.approx(written.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("lejepa", {"lambda_param": 0.05}, {"lambda_param": 0.1}),
        ("lejepa", {"n_local": 1}, {"n_local": 2}),
        ("visreg", {"lambda_param": 0.9}, {"lambda_param": 0.8}),
        ("visreg", {"n_global": 2}, {"n_global": 3}),
        ("visreg", {"n_local": 1}, {"n_local": 2}),
    ],
)
def test_every_hyperparameter_has_an_effect(
    name: str, one: dict[str, Any], other: dict[str, Any], digits: Tensor
) -> None:
    losses = []
    for hyperparameters in (one, other):
        learner = small_learner(name, **{"n_local": 0, **hyperparameters})
        torch.manual_seed(7)
        losses.append(learner(views_for(learner, digits)).item())
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)


def test_shrinking_the_embeddings_changes_the_loss(digits: Tensor) -> None:
    for name in ("lejepa", "visreg"):
        learner = small_learner(name, n_local=0)
        z = [learner.projector(learner.backbone(v)) for v in views_for(learner, digits)]
        losses = []
        for scale in (1.0, 0.5):
            torch.manual_seed(7)
            losses.append(learner.criterion([scale * a for a in z], [scale * a for a in z]).item())
        assert learner.loss_sees_scale
        assert losses[0] != pytest.approx(losses[1], rel=1e-2)


@pytest.mark.parametrize(
    ("name", "views"), [("lejepa", {"n_local": 1}), ("visreg", {"n_global": 2, "n_local": 0})]
)
def test_it_learns_and_draws_the_same_directions_after_a_stop(
    name: str, views: dict[str, int], digits: Tensor
) -> None:
    assert_learns(name, digits, by=0.07, n_epochs=3, **views)
    assert_resumes_exactly(name, digits[:64], **views)
