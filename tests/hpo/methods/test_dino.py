"""DINO's step is that of Lightly's example, with a head that can be copied."""

import copy
import math
import warnings
from typing import Any

import pytest
import torch
from lightly.loss import DINOLoss
from lightly.models.modules.heads import DINOProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor, nn
from torch.testing import assert_close

from hpo.errors import ConfigError
from hpo.methods import Learner, build_method
from hpo.methods.dino import PrototypeHead
from tests.hpo.methods.steps import DIM, assert_same_step, moved_student, small_learner, views_for
from tests.hpo.methods.trainings import assert_resumes_exactly, losses_of, small_training

SMALL = {"n_local": 0, "prototypes": 64}


def lightlys_head(prototypes: int = 48) -> DINOProjectionHead:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return DINOProjectionHead(
            DIM, 4 * DIM, 2 * DIM, prototypes, batch_norm=True, freeze_last_layer=1
        )


def same_head(ours: PrototypeHead, theirs: DINOProjectionHead) -> DINOProjectionHead:
    """Give Lightly's head our weights; torch knows the old names of the new normalisation."""
    theirs.layers.load_state_dict(ours.head.layers.state_dict())
    with torch.no_grad():
        theirs.last_layer.weight_v.copy_(ours.head.last_layer.parametrizations.weight.original1)
    return theirs


def projector_of(learner: Learner) -> PrototypeHead:
    assert isinstance(learner.projector, PrototypeHead)
    return learner.projector


def prototypes_of(head: PrototypeHead) -> Tensor:
    return head.head.last_layer.parametrizations.weight.original1


@pytest.mark.parametrize("step", [0, 3])
def test_dino_is_lightlys_example(step: int, digits: Tensor) -> None:
    learner = moved_student(
        "dino",
        student_temp=0.2,
        teacher_temp=0.05,
        one_minus_momentum=0.1,
        prototypes=48,
        n_local=2,
        one_minus_center_momentum=0.3,
    )
    views = views_for(learner, digits)
    backbone, student_head = copy.deepcopy(learner.backbone), lightlys_head()
    same_head(projector_of(learner), student_head)
    assert learner.teacher is not None
    teacher_backbone, copied = copy.deepcopy(learner.teacher).children()
    assert isinstance(copied, PrototypeHead)
    teacher_head = same_head(copied, lightlys_head())
    deactivate_requires_grad(teacher_backbone)
    deactivate_requires_grad(teacher_head)
    criterion = DINOLoss(48, 0.05, 0.05, 1, student_temp=0.2, center_momentum=0.7)
    centre = torch.linspace(-0.1, 0.1, 48).reshape(1, 1, 48)
    criterion.center.copy_(centre)
    loss_of(learner).center.copy_(centre)

    momentum = cosine_schedule(step, 10, 0.9, 1)
    update_momentum(backbone, teacher_backbone, m=momentum)
    update_momentum(student_head, teacher_head, m=momentum)
    teacher_out = [teacher_head(teacher_backbone(view)) for view in views[:2]]
    student_out = [student_head(backbone(view)) for view in views]
    written = criterion(teacher_out, student_out, epoch=step)

    learner.before_step(step, 10)
    assert_same_step(learner, learner(views), backbone, written)
    assert_close(loss_of(learner).center, criterion.center)
    assert not torch.equal(criterion.center, centre)
    student_head.cancel_last_layer_gradients(current_epoch=step)
    learner.after_backward(step, 10)
    mine, theirs = prototypes_of(projector_of(learner)).grad, student_head.last_layer.weight_v.grad
    assert (mine is None) is (theirs is None) is (step == 0)
    if mine is not None and theirs is not None:
        assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def loss_of(learner: Learner) -> DINOLoss:
    return next(m for m in learner.criterion.modules() if isinstance(m, DINOLoss))


def test_the_prototypes_start_as_lightlys_and_keep_length_one() -> None:
    torch.manual_seed(0)
    theirs = lightlys_head()
    torch.manual_seed(0)
    ours = PrototypeHead(lightlys_head())
    features = torch.randn(8, DIM)
    assert_close(ours(features), theirs(features))
    assert ours(features).abs().max() <= 1.0
    lengths = ours.head.last_layer.weight.norm(dim=1)
    assert_close(lengths, torch.ones_like(lengths))
    frozen = [name for name, p in ours.named_parameters() if not p.requires_grad]
    assert frozen == ["head.last_layer.parametrizations.weight.original0"]


def test_lightlys_head_cannot_be_copied_and_ours_can_at_any_time(digits: Tensor) -> None:
    theirs = lightlys_head()
    theirs(torch.randn(8, DIM))
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(theirs)
    learner = small_learner("dino", **SMALL)
    views = views_for(learner, digits)
    learner(views).backward()
    copied = copy.deepcopy(learner)
    with torch.no_grad():
        prototypes_of(projector_of(copied)).zero_()
    assert prototypes_of(projector_of(learner)).abs().max() > 0
    assert learner(views).isfinite()


def test_the_teacher_starts_as_the_student(digits: Tensor) -> None:
    learner = small_learner("dino", **SMALL)
    assert learner.teacher is not None
    student = nn.Sequential(learner.backbone, learner.projector)
    for mine, theirs in zip(learner.teacher.parameters(), student.parameters(), strict=True):
        assert torch.equal(mine, theirs)
        assert mine.data_ptr() != theirs.data_ptr()


@pytest.mark.parametrize(("n_steps", "frozen"), [(50, 1), (100, 1), (101, 2), (300, 3)])
def test_the_prototypes_rest_in_the_first_hundredth_of_the_steps(n_steps: int, frozen: int) -> None:
    head = PrototypeHead(lightlys_head())
    for step in range(5):
        head(torch.randn(8, DIM)).pow(2).sum().backward()
        head.after_backward(step, n_steps)
        assert (prototypes_of(head).grad is None) is (step < frozen), step
        assert head.head.layers[0].weight.grad is not None


def test_the_prototypes_rest_in_a_training_too(digits: Tensor) -> None:
    training = small_training("dino", digits[:32], n_epochs=3, lr=0.1, **SMALL)
    head = projector_of(training.learner)  # type: ignore[arg-type]
    before = prototypes_of(head).clone()
    training.run_epoch()
    assert torch.equal(prototypes_of(head), before)
    training.run_epoch()
    assert not torch.equal(prototypes_of(head), before)


@pytest.mark.parametrize(("student", "teacher"), [(0.1, 0.1), (0.07, 0.1)])
def test_a_teacher_as_soft_as_the_student_is_refused(student: float, teacher: float) -> None:
    message = f"teacher_temp: got {teacher} with student_temp {student}; wanted it below"
    with pytest.raises(ConfigError, match=message):
        build_method("dino", DIM, student_temp=student, teacher_temp=teacher)


@pytest.mark.parametrize(
    "changed",
    [
        {"student_temp": 0.2},
        {"teacher_temp": 0.02},
        {"prototypes": 32},
        {"n_local": 1},
        {"projector_width": 32},
    ],
)
def test_every_hyperparameter_has_an_effect_on_the_step(
    changed: dict[str, Any], digits: Tensor
) -> None:
    losses = []
    for hyperparameters in (SMALL, {**SMALL, **changed}):
        learner = moved_student("dino", **hyperparameters)
        losses.append(learner(views_for(learner, digits)).item())
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)


def test_the_momenta_are_those_asked_for(digits: Tensor) -> None:
    learner = small_learner("dino", one_minus_momentum=0.2, one_minus_center_momentum=0.25, **SMALL)
    assert learner.momentum == pytest.approx(0.8)
    views = views_for(learner, digits)
    assert learner.teacher is not None
    mean = torch.stack([learner.teacher(view) for view in views]).mean(dim=(0, 1))
    learner(views)
    assert_close(loss_of(learner).center.flatten(), 0.25 * mean)


def test_dino_learns_more_than_to_name_all_prototypes_alike(digits: Tensor) -> None:
    losses = losses_of(
        small_training("dino", digits, n_epochs=3, lr=2e-2, one_minus_momentum=0.1, **SMALL)
    )
    assert losses[-1] < losses[0] - 0.2
    assert losses[-1] < math.log(64) - 0.2


def test_a_checkpoint_has_the_centre(digits: Tensor) -> None:
    training = small_training("dino", digits, n_epochs=1, **SMALL)
    training.run_epoch()
    state = training.state_dict()["learner"]
    (name,) = [name for name in state if name.endswith("center")]
    assert state[name].abs().max() > 0
    assert_resumes_exactly("dino", digits[:64], **SMALL)
