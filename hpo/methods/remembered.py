"""Losses that remember earlier batches, made to survive a checkpoint."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor, nn

Loss = TypeVar("Loss", bound=nn.Module)


def remembered(loss: Loss, **attributes: Tensor) -> Loss:
    """Make all that a loss remembers part of its `state_dict`.

    Lightly's memory banks are buffers that are not saved, and TiCo's covariance is a plain
    attribute: a training that resumes would go on with other ones. Both become ordinary buffers,
    which are saved, loaded, moved between devices and counted in a checkpoint's size.

    Args:
        loss: changed in place. Every buffer of it and of its submodules is saved from now on.
        **attributes: plain attributes of the loss itself that become buffers, each with the
            tensor to start from: `remembered(TiCoLoss(...), C=torch.zeros(width, width))`.

    Returns:
        The same loss.

    Raises:
        AttributeError: when the loss has no such attribute.

    >>> from lightly.loss import NTXentLoss
    >>> sorted(remembered(NTXentLoss(0.2, (256, 128))).state_dict())
    ['memory_bank.bank', 'memory_bank.bank_ptr']
    """
    for name, start in attributes.items():
        delattr(loss, name)
        loss.register_buffer(name, start)
    saved = set(loss.state_dict())
    for path, buffer in list(loss.named_buffers()):
        if path not in saved:
            owner, _, name = path.rpartition(".")
            loss.get_submodule(owner).register_buffer(name, buffer)  # persistent unless told not to
    return loss
