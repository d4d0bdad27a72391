"""DINO: a sharpened, centred teacher says which prototype an image belongs to."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from hpo.errors import ConfigError
from hpo.methods.criteria import Criterion
from hpo.methods.ranges import check_count, check_positive, check_share
from hpo.methods.shape import Method
from hpo.methods.widths import embedding_width, hidden_width

if TYPE_CHECKING:
    from lightly.models.modules.heads import DINOProjectionHead


class TeacherFirst(Criterion):
    """Loss of all online outputs against all targets, which the loss wants first: DINO."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion([k_0, k_1], [q_0, q_1, ...])."""
        return cast(Tensor, self.criterion(target, online))


class PrototypeHead(nn.Module):
    """DINO's head with prototypes that can be copied and that rest at the beginning.

    The paper keeps the prototypes as they are in the first of 100 epochs, so that the teacher is
    not led by noise. An epoch is no measure here, where studies choose how many there are: they
    rest in the first hundredth of all steps, the first one at least.

    Args:
        head: Lightly's.
    """

    def __init__(self, head: DINOProjectionHead) -> None:
        super().__init__()
        head.last_layer = _copyable(head.last_layer)
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        """Return the cosines (n, prototypes) of features (n, dim) with every prototype."""
        return cast(Tensor, self.head(features))

    def after_backward(self, step: int, n_steps: int) -> None:
        """Drop the prototypes' gradient in the first hundredth of the steps."""
        if step * 100 < n_steps:
            for parameter in self.head.last_layer.parameters():
                parameter.grad = None


def dino(
    dim: int,
    *,
    student_temp: float = 0.1,
    teacher_temp: float = 0.04,
    one_minus_momentum: float = 0.004,
    prototypes: int = 2048,
    n_local: int = 6,
    one_minus_center_momentum: float = 0.1,
    projector_width: int | str = "auto",
) -> Method:
    """DINO (Caron et al. 2021, arXiv 2104.14294): agree with a momentum teacher on prototypes.

    The teacher starts as a copy of the student, as in the paper, and its temperature is the same
    throughout. z are the cosines with the prototypes, so their rank is at most that of the layer
    before; they shrink in healthy runs too, whose prototypes turn towards each other, and are
    constant once a run has collapsed.

    Args:
        dim: width of the backbone's features.
        student_temp: temperature of the student's softmax, > 0.
        teacher_temp: of the teacher's, > 0 and below the student's.
        one_minus_momentum: 1 minus the momentum coefficient at the start, in (0, 1].
        prototypes: number of them, at least 2.
        n_local: small crops beside the two large ones, at least 0.
        one_minus_center_momentum: how much of the teacher's mean output a step takes from its own
            batch, in (0, 1].
        projector_width: width of the layer that is compared with the prototypes; "auto" for twice
            the features', at most the paper's 256.

    Raises:
        ConfigError: for a value outside its range, or a teacher as soft as the student.
    """
    from lightly.loss import DINOLoss

    _check_temperatures(student_temp, teacher_temp)
    check_share(
        one_minus_momentum=one_minus_momentum, one_minus_center_momentum=one_minus_center_momentum
    )
    check_count(2, prototypes=prototypes)
    check_count(0, n_local=n_local)
    width = embedding_width(projector_width, auto=min(2 * dim, 256))
    loss = DINOLoss(
        prototypes,
        warmup_teacher_temp=teacher_temp,
        teacher_temp=teacher_temp,
        student_temp=student_temp,
        center_momentum=1.0 - one_minus_center_momentum,
    )
    return Method(
        projector=_head(dim, width, prototypes),
        criterion=TeacherFirst(loss),
        target="ema",
        momentum=1.0 - one_minus_momentum,
        n_local=n_local,
    )


def _check_temperatures(student_temp: float, teacher_temp: float) -> None:
    check_positive(student_temp=student_temp, teacher_temp=teacher_temp)
    if teacher_temp >= student_temp:
        raise ConfigError(
            f"teacher_temp: got {teacher_temp!r} with student_temp {student_temp!r}; wanted it "
            "below student_temp, or there is nothing sharper to learn from. Lower teacher_temp or "
            "raise student_temp."
        )


def _head(dim: int, width: int, prototypes: int) -> PrototypeHead:
    from lightly.models.modules.heads import DINOProjectionHead

    with warnings.catch_warnings():
        # Lightly uses torch's former weight normalisation, which is replaced right below.
        warnings.simplefilter("ignore", FutureWarning)
        head = DINOProjectionHead(dim, hidden_width(dim), width, prototypes, batch_norm=True)
    return PrototypeHead(head)


def _copyable(last_layer: nn.Module) -> nn.Linear:
    """The same layer with torch's present weight normalisation, which deepcopy can copy."""
    direction = cast(Tensor, last_layer.weight_v)
    prototypes, width = direction.shape
    layer = nn.Linear(width, prototypes, bias=False)
    with torch.no_grad():
        layer.weight.copy_(direction)
        nn.utils.parametrizations.weight_norm(layer)
    length = layer.get_parameter("parametrizations.weight.original0")
    length.requires_grad_(False).fill_(1.0)
    return layer
