"""BYOL's step is the one of Lightly's example, and its teacher moves as the paper says."""

import copy
import math

import pytest
import torch
from lightly.loss import NegativeCosineSimilarity
from lightly.models.modules.heads import BYOLPredictionHead, BYOLProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor, nn

from hpo.methods import Learner
from tests.hpo.methods.steps import DIM, assert_same_step, small_learner, two_views


def teacher_of(learner: Learner) -> nn.Module:
    assert learner.teacher is not None
    return learner.teacher


def student_of(learner: Learner) -> nn.Module:
    return nn.Sequential(learner.backbone, learner.projector)


def moved_student(**hyperparameters: float) -> Learner:
    """A learner whose student has gone elsewhere, so that the teacher is not just its copy."""
    learner = small_learner("byol", **hyperparameters)
    with torch.no_grad():
        for parameter in student_of(learner).parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return learner


def test_byol_is_lightlys_example(digits: Tensor) -> None:
    learner = moved_student(one_minus_momentum=0.1)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = BYOLProjectionHead(DIM, 8 * DIM, 256)
    projection_head.load_state_dict(learner.projector.state_dict())
    prediction_head = BYOLPredictionHead(256, 8 * DIM, 256)
    prediction_head.load_state_dict(learner.predictor.state_dict())
    backbone_momentum, projection_head_momentum = copy.deepcopy(teacher_of(learner)).children()
    deactivate_requires_grad(backbone_momentum)
    deactivate_requires_grad(projection_head_momentum)
    criterion = NegativeCosineSimilarity()

    def forward(x: Tensor) -> Tensor:
        return prediction_head(projection_head(backbone(x).flatten(start_dim=1)))

    def forward_momentum(x: Tensor) -> Tensor:
        return projection_head_momentum(backbone_momentum(x).flatten(start_dim=1)).detach()

    momentum = cosine_schedule(3, 10, 0.9, 1)
    update_momentum(backbone, backbone_momentum, m=momentum)
    update_momentum(projection_head, projection_head_momentum, m=momentum)
    p0, z0 = forward(views[0]), forward_momentum(views[0])
    p1, z1 = forward(views[1]), forward_momentum(views[1])
    written = 0.5 * (criterion(p0, z1) + criterion(p1, z0))

    learner.update_teacher(3, 10)
    assert_same_step(learner, learner(views), backbone, written)


def test_the_teacher_starts_as_the_student_and_takes_no_gradient(digits: Tensor) -> None:
    learner = small_learner("byol")
    teacher, student = teacher_of(learner), student_of(learner)
    for mine, theirs in zip(teacher.parameters(), student.parameters(), strict=True):
        assert torch.equal(mine, theirs)
        assert mine.data_ptr() != theirs.data_ptr()
    before = copy.deepcopy(list(teacher.parameters()))
    learner(two_views(digits)).backward()
    for mine, was in zip(teacher.parameters(), before, strict=True):
        assert mine.grad is None
        assert not mine.requires_grad
        assert torch.equal(mine, was)


def test_the_teachers_momentum_goes_to_one_on_a_cosine() -> None:
    n_steps, start = 6, 0.8
    learner = moved_student(one_minus_momentum=1 - start)
    teacher, student = (net[0].conv1.weight for net in (teacher_of(learner), student_of(learner)))
    for step in range(n_steps):
        before = teacher.clone()
        learner.update_teacher(step, n_steps)
        part = ((teacher - before).sum() / (student - before).sum()).item()
        expected = (1 - start) * (math.cos(math.pi * step / (n_steps - 1)) + 1) / 2
        assert part == pytest.approx(expected, abs=1e-4)
    assert torch.equal(teacher, before)


def test_methods_without_a_teacher_are_left_alone() -> None:
    learner = small_learner("simclr")
    before = copy.deepcopy(learner.state_dict())
    learner.update_teacher(0, 2)
    assert learner.teacher is None
    assert all(torch.equal(learner.state_dict()[name], before[name]) for name in before)
