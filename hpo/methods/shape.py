"""The one shape of a joint-embedding method: projector, predictor, target and criterion."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Literal, cast

import torch
from torch import Tensor, nn

Target = Literal["self", "stop-grad", "ema"]


class Criterion(nn.Module):
    """A loss over the lists of online outputs q and targets k, one tensor (n, dim) per view."""

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.criterion = criterion


class Pair(Criterion):
    """Loss between the two online outputs: SimCLR, Barlow Twins, VICReg."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion(q_0, q_1)."""
        return cast(Tensor, self.criterion(online[0], online[1]))


class Cross(Criterion):
    """Mean loss of every online output against the targets of the other views: BYOL."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return the mean of criterion(q_i, k_j) over i != j."""
        terms = [
            self.criterion(q, k)
            for i, q in enumerate(online)
            for j, k in enumerate(target)
            if i != j
        ]
        return torch.stack(terms).mean()


@dataclass
class Method:
    """A joint-embedding method as five values.

    Args:
        projector: maps features h (n, dim) to embeddings z.
        criterion: loss over the lists q and k.
        predictor: maps z to q; the identity for most methods.
        target: where k comes from: z itself, z without gradient, or the momentum copy's z.
        momentum: start value of the momentum copy's coefficient, in [0, 1); cosine to 1.
        loss_sees_scale: whether scaling all embeddings changes the loss. Only then is shrinking
            a sign of collapse.
    """

    projector: nn.Module
    criterion: Criterion
    predictor: nn.Module = field(default_factory=nn.Identity)
    target: Target = "self"
    momentum: float = 0.99
    loss_sees_scale: bool = False


class Learner(nn.Module):
    """A backbone trained by a method.

    Args:
        backbone: images (n, channels, size, size) to features (n, dim).
        method: what to train it with.
    """

    def __init__(self, backbone: nn.Module, method: Method) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = method.projector
        self.predictor = method.predictor
        self.criterion = method.criterion
        self.target: Target = method.target
        self.momentum = method.momentum
        self.loss_sees_scale = method.loss_sees_scale
        self.teacher: nn.Module | None = None
        if self.target == "ema":
            self.teacher = copy.deepcopy(nn.Sequential(backbone, method.projector))
            self.teacher.requires_grad_(False)

    def forward(self, views: list[Tensor]) -> Tensor:
        """Return the loss of one step.

        Args:
            views: one tensor (n, channels, size, size) per view. The network sees them one view
                at a time, as in Lightly's examples, because BatchNorm's statistics depend on it.
        """
        embeddings = [self.projector(self.backbone(view)) for view in views]
        online = [self.predictor(z) for z in embeddings]
        if self.teacher is not None:
            with torch.no_grad():
                targets = [self.teacher(view) for view in views]
        elif self.target == "stop-grad":
            targets = [z.detach() for z in embeddings]
        else:
            targets = embeddings
        return cast(Tensor, self.criterion(online, targets))

    def update_teacher(self, step: int, n_steps: int) -> None:
        """Move the momentum copy towards the network; nothing for methods without one.

        Args:
            step: index of this step, from 0.
            n_steps: steps of the whole training; the coefficient reaches 1 at its end.
        """
        if self.teacher is None:
            return
        from lightly.models.utils import update_momentum
        from lightly.utils.scheduler import cosine_schedule

        coefficient = cosine_schedule(step, n_steps, self.momentum, 1.0)
        update_momentum(nn.Sequential(self.backbone, self.projector), self.teacher, coefficient)
