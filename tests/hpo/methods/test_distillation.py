"""Steps of BYOL and the SimSiams are Lightly's examples', and teachers move as papers say."""

import copy
import math

import pytest
import torch
from lightly.loss import NegativeCosineSimilarity
from lightly.models.modules.heads import (
    BYOLPredictionHead,
    BYOLProjectionHead,
    SimSiamPredictionHead,
    SimSiamProjectionHead,
)
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor, nn

from hpo.methods import Learner
from tests.hpo.methods.steps import (
    DIM,
    assert_same_step,
    moved_student,
    small_learner,
    two_views,
    views_for,
)
from tests.hpo.methods.trainings import assert_learns, assert_resumes_exactly


def teacher_of(learner: Learner) -> nn.Module:
    assert learner.teacher is not None
    return learner.teacher


def student_of(learner: Learner) -> nn.Module:
    return nn.Sequential(learner.backbone, learner.projector)


def test_byol_is_lightlys_example(digits: Tensor) -> None:
    learner = moved_student("byol", one_minus_momentum=0.1)
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

    learner.before_step(3, 10)
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
    learner = moved_student("byol", one_minus_momentum=1 - start)
    teacher, student = (net[0].conv1.weight for net in (teacher_of(learner), student_of(learner)))
    for step in range(n_steps):
        before = teacher.clone()
        learner.before_step(step, n_steps)
        part = ((teacher - before).sum() / (student - before).sum()).item()
        expected = (1 - start) * (math.cos(math.pi * step / (n_steps - 1)) + 1) / 2
        assert part == pytest.approx(expected, abs=1e-4)
    assert torch.equal(teacher, before)


def test_methods_without_a_teacher_are_left_alone() -> None:
    learner = small_learner("simclr")
    before = copy.deepcopy(learner.state_dict())
    learner.before_step(0, 2)
    assert learner.teacher is None
    assert all(torch.equal(learner.state_dict()[name], before[name]) for name in before)


def siamese_outputs(
    learner: Learner, views: list[Tensor], bottleneck: int
) -> tuple[nn.Module, list[Tensor], list[Tensor]]:
    """Backbone, z and p of examples/pytorch/{simsiam,fastsiam}.py."""
    backbone = copy.deepcopy(learner.backbone)
    projection_head = SimSiamProjectionHead(DIM, 4 * DIM, 4 * DIM)
    projection_head.load_state_dict(learner.projector.state_dict())
    prediction_head = SimSiamPredictionHead(4 * DIM, bottleneck, 4 * DIM)
    prediction_head.load_state_dict(learner.predictor.state_dict())
    outputs = [projection_head(backbone(x).flatten(start_dim=1)) for x in views]
    return backbone, [z.detach() for z in outputs], [prediction_head(z) for z in outputs]


def test_simsiam_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("simsiam", bottleneck_share=0.5)
    views = two_views(digits)
    backbone, (z0, z1), (p0, p1) = siamese_outputs(learner, views, 2 * DIM)
    criterion = NegativeCosineSimilarity()
    written = 0.5 * (criterion(z0, p1) + criterion(z1, p0))
    assert_same_step(learner, learner(views), backbone, written)


def test_fastsiam_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("fastsiam", n_views=4)
    views = views_for(learner, digits)
    assert len(views) == 4
    backbone, outputs, predictions = siamese_outputs(learner, views, DIM)
    criterion = NegativeCosineSimilarity()
    zs, ps = torch.stack(outputs), torch.stack(predictions)
    written = torch.zeros(())
    for i in range(len(views)):
        mask = torch.arange(len(views)) != i
        written = written + criterion(ps[i], torch.mean(zs[mask], dim=0)) / len(views)
    assert_same_step(learner, learner(views), backbone, written)


def test_fastsiam_with_two_views_is_simsiam(digits: Tensor) -> None:
    views = two_views(digits)
    losses = [
        small_learner("simsiam", bottleneck_share=0.5)(views),
        small_learner("fastsiam", bottleneck_share=0.5, n_views=2)(views),
    ]
    assert torch.equal(*losses)


@pytest.mark.parametrize("name", ["fastsiam", "simsiam"])
@pytest.mark.parametrize(("share", "width"), [(0.125, 64), (0.25, 128), (0.0001, 1)])
def test_the_bottleneck_is_a_share_of_the_embeddings_width(
    name: str, share: float, width: int
) -> None:
    predictor = small_learner(name, bottleneck_share=share).predictor
    assert isinstance(predictor, SimSiamPredictionHead)
    assert predictor.layers[0].out_features == width


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("byol", {}),
        ("simsiam", {"lr": 3e-2}),
        ("fastsiam", {"lr": 3e-2, "n_views": 3}),
    ],
)
def test_it_learns_and_resumes(name: str, settings: dict[str, float], digits: Tensor) -> None:
    assert_learns(name, digits, by=0.2, **settings)
    assert_resumes_exactly(name, digits[:64])
