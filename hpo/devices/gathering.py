"""The loss of the whole batch on every device: embeddings are gathered before the criterion."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hpo.errors import ConfigError
from hpo.methods.shape import Learner

_FLAGS = ("gather_distributed", "sinkhorn_gather_distributed")


def check_shareable(learner: nn.Module, method: str) -> None:
    """Refuse what would train something else on several devices than on one.

    A `Learner`'s criterion gets the embeddings of the whole batch. A module of another shape is
    called on each device's images, and the gradients are averaged: the same as on one device if its
    loss is a mean over images, which it has to say by an attribute `loss_is_mean_over_images`.

    Args:
        learner: to be trained.
        method: its name, for the message.

    Raises:
        ConfigError: for another module that does not say so.
    """
    if isinstance(learner, Learner) or getattr(learner, "loss_is_mean_over_images", False):
        return
    raise ConfigError(
        f"devices: {method} is a {type(learner).__name__} that computes its own loss; on several "
        "devices each would see a part of the batch only. Use --devices 1, or give the class the "
        "attribute `loss_is_mean_over_images = True` if its loss compares no two images."
    )


def gather_embeddings(learner: Learner) -> None:
    """Let a learner's criterion see the embeddings of the whole batch, on every device alike.

    Every loss is then the one of a single device, banks and centres included, whatever it does
    with a batch. With gradients averaged over N devices, so is the gradient: the backward of
    the gathering sums the N equal gradients. Lightly's own switches, which only some of its
    losses have, are turned off: they would gather what is gathered already.

    Args:
        learner: changed in place, its `state_dict` is not.
    """
    for module in learner.criterion.modules():
        for flag in _FLAGS:
            if getattr(module, flag, False):
                setattr(module, flag, False)
    learner.criterion.register_forward_pre_hook(_whole_batch)


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _whole_batch(module: nn.Module, lists: tuple[Any, ...]) -> tuple[list[Tensor], ...]:
    from lightly.utils.dist import gather

    whole: dict[int, Tensor] = {}
    for part in (tensor for tensors in lists for tensor in tensors):
        # Targets often are the online embeddings themselves: those are gathered once.
        if id(part) not in whole:
            whole[id(part)] = torch.cat(gather(part.contiguous()))
    return tuple([whole[id(part)] for part in tensors] for tensors in lists)
