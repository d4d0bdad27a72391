"""What moves the weights: optimiser, warm-up and cosine, from the numbers of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

OptimizerName = Literal["adamw", "lars", "sgd"]


@dataclass(frozen=True)
class OptimizerPlan:
    """Optimiser and schedule of a training.

    Args:
        name: "adamw", "lars" or "sgd" (both with momentum 0.9).
        lr: peak learning rate per 256 images of a batch, > 0.
        weight_decay: >= 0; biases and norms are not decayed.
        warmup_share: share of all steps in which the rate rises linearly, in [0, 1); then it
            falls on a cosine to 0.
        clip_norm: largest norm of a step's gradient, > 0; None for no limit.
        accumulate: parts that a batch is cut into, one after the other, to spare memory. Losses
            that compare the images of a batch then compare those of a part.
    """

    name: OptimizerName = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    clip_norm: float | None = None
    accumulate: int = 1


def build_optimizer(
    plan: OptimizerPlan, parts: Sequence[nn.Module], *, batch_size: int, n_steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    """Build the optimiser of a training and its schedule, which is stepped once a step.

    Args:
        plan: what to build.
        parts: modules to train; parameters that want no gradient are left out.
        batch_size: images per step, which the learning rate is scaled by.
        n_steps: of the whole training.
    """
    from lightly.utils.lars import LARS
    from lightly.utils.scheduler import CosineWarmupScheduler

    groups = _groups(parts, plan.weight_decay)
    lr = plan.lr * batch_size / 256
    optimizer: torch.optim.Optimizer
    if plan.name == "adamw":
        optimizer = torch.optim.AdamW(groups, lr=lr)
    elif plan.name == "lars":
        optimizer = LARS(groups, lr=lr, momentum=0.9)
    else:
        optimizer = torch.optim.SGD(groups, lr=lr, momentum=0.9)
    warmup_steps = max(1, int(n_steps * plan.warmup_share)) if plan.warmup_share > 0 else 0
    scheduler = CosineWarmupScheduler(
        optimizer, warmup_epochs=warmup_steps, max_epochs=max(2, n_steps), end_value=0.0
    )
    return optimizer, scheduler


def _groups(parts: Sequence[nn.Module], weight_decay: float) -> list[dict[str, object]]:
    from lightly.models.utils import get_weight_decay_parameters

    decayed, undecayed = get_weight_decay_parameters(parts)
    return [
        {"params": [p for p in decayed if p.requires_grad], "weight_decay": weight_decay},
        {"params": [p for p in undecayed if p.requires_grad], "weight_decay": 0.0},
    ]
