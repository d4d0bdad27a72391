"""The one shape of a joint-embedding method: projector, predictor, target and criterion."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, cast

import torch
from torch import Tensor, nn

from hpo.methods.criteria import Criterion

Target = Literal["self", "stop-grad", "ema"]


@dataclass
class Method:
    """A joint-embedding method as a handful of values.

    Args:
        projector: maps features h (n, dim) to embeddings z.
        criterion: loss over the lists q and k.
        predictor: maps z to q; the identity for most methods.
        target: where k comes from: z itself, z without gradient, or the momentum copy's z.
        momentum: start value of the momentum copy's coefficient, in [0, 1); cosine to 1.
        n_global: views of most of the image; only these have targets.
        n_local: small crops beside them.
        loss_sees_scale: whether scaling all embeddings changes the loss. Only then is shrinking
            a sign of collapse.
        batch_multiple: batches must be a multiple of this.
        one_way: whether only the first view's output and the second's target are used; then no
            other is computed, which saves half of the work. For targets of the momentum copy.
    """

    projector: nn.Module
    criterion: Criterion
    predictor: nn.Module = field(default_factory=nn.Identity)
    target: Target = "self"
    momentum: float = 0.99
    n_global: int = 2
    n_local: int = 0
    loss_sees_scale: bool = False
    batch_multiple: int = 1
    one_way: bool = False


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
        self.n_global, self.n_local = method.n_global, method.n_local
        self.loss_sees_scale = method.loss_sees_scale
        self.batch_multiple, self.one_way = method.batch_multiple, method.one_way
        self.teacher: nn.Module | None = None
        if self.target == "ema":
            self.teacher = copy.deepcopy(nn.Sequential(backbone, method.projector))
            self.teacher.requires_grad_(False)

    def forward(self, views: list[Tensor]) -> Tensor:
        """Return the loss of one step.

        Args:
            views: one tensor (n, channels, size, size) per view, the global ones first. The
                network sees them one view at a time, as in Lightly's examples, because
                BatchNorm's statistics depend on it.
        """
        seen = views[:1] if self.one_way else views
        embeddings = [self.projector(self.backbone(view)) for view in seen]
        online = [self.predictor(z) for z in embeddings]
        if self.teacher is not None:
            with torch.no_grad():
                aimed_at = views[1:2] if self.one_way else views[: self.n_global]
                targets = [self.teacher(view) for view in aimed_at]
        elif self.target == "stop-grad":
            targets = [z.detach() for z in embeddings[: self.n_global]]
        else:
            targets = embeddings[: self.n_global]
        # Decompositions do not exist for bfloat16, and a running mean in it stands still.
        with torch.autocast(views[0].device.type, enabled=False):
            loss = self.criterion(_whole(online), _whole(targets))
        return cast(Tensor, loss)

    def before_step(self, step: int, n_steps: int) -> None:
        """Do what comes before the forward pass: the parts' own hooks, then the momentum copy.

        Args:
            step: index of this step, from 0.
            n_steps: steps of the whole training; the momentum coefficient reaches 1 at its end.
        """
        for hook in self._hooks("before_step"):
            hook(step, n_steps)
        if self.teacher is None:
            return
        from lightly.models.utils import update_momentum
        from lightly.utils.scheduler import cosine_schedule

        coefficient = cosine_schedule(step, n_steps, self.momentum, 1.0)
        update_momentum(nn.Sequential(self.backbone, self.projector), self.teacher, coefficient)

    def after_backward(self, step: int, n_steps: int) -> None:
        """Do what comes between the backward pass and the optimiser's step: the parts' hooks."""
        for hook in self._hooks("after_backward"):
            hook(step, n_steps)

    def _hooks(self, name: str) -> Iterator[nn.Module]:
        for part in (self.projector, self.predictor, self.criterion):
            for module in part.modules():
                if hasattr(module, name):
                    yield getattr(module, name)


def _whole(outputs: list[Tensor]) -> list[Tensor]:
    half = (torch.bfloat16, torch.float16)
    return [z.float() if z.dtype in half else z for z in outputs]


def backbone_of(learner: nn.Module) -> nn.Module:
    """Return a learner's backbone."""
    return cast(nn.Module, learner.backbone)


def projector_of(learner: nn.Module) -> nn.Module:
    """Return a learner's projector; the identity for one that has none."""
    projector = getattr(learner, "projector", None)
    return projector if isinstance(projector, nn.Module) else nn.Identity()
