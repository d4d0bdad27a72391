"""A module as it is measured: evaluation mode, and afterwards every part as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import nn

from hpo.batch_norm import batch_norms
from hpo.embedding import evaluation_mode

_STILL_THE_BEGINNING = 0.05  # of an average; 29 batches at torch's momentum of 0.1


@contextmanager
def measured(module: nn.Module) -> Iterator[None]:
    """Evaluate a module without gradients, with the same BatchNorm statistics in all processes.

    Under DDP each process averages the statistics of its own images; a checkpoint holds those of
    the first process. So do the measures. Afterwards each process has its own again.
    """
    with evaluation_mode(module), _statistics_restored(module):
        if dist.is_available() and dist.is_initialized():
            for norm in batch_norms(module):
                for buffer in norm.buffers():
                    dist.broadcast(buffer, src=0)
        yield


@contextmanager
def calibrated(module: nn.Module, read: Callable[[], None]) -> Iterator[None]:
    """Evaluate a module with BatchNorm statistics estimated on images.

    A new BatchNorm has mean 0 and variance 1, which describe no data, and for some batches it has
    hardly more: only with statistics of data does an untrained network differ from a trained one
    by its weights alone.

    Args:
        module: whose statistics are put back at the end, to the byte.
        read: sends images through it.
    """
    with evaluation_mode(module), _statistics_restored(module):
        norms = [norm for norm in batch_norms(module) if norm.track_running_stats]
        momenta = [norm.momentum for norm in norms]
        try:
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # a cumulative average over the batches
                norm.training = True
            if norms:
                read()
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum, norm.training = momentum, False
        yield


def is_settled(module: nn.Module) -> bool:
    """Whether BatchNorm's running averages have forgotten what they began with.

    After n batches (1 − momentum)ⁿ of an average is still its beginning, mean 0 and variance 1:
    with that, living embeddings may look all but equal. Layers that no batch has passed, or that
    average over everything, do not count.

    >>> norm = nn.BatchNorm1d(2)
    >>> is_settled(norm), norm(torch.randn(4, 2)).shape, is_settled(norm)
    (True, torch.Size([4, 2]), False)
    """
    return not any(
        int(norm.num_batches_tracked) > 0
        and (1.0 - norm.momentum) ** int(norm.num_batches_tracked) > _STILL_THE_BEGINNING
        for norm in batch_norms(module)
        if norm.num_batches_tracked is not None and norm.momentum is not None
    )


@contextmanager
def _statistics_restored(module: nn.Module) -> Iterator[None]:
    kept = [(buffer, buffer.clone()) for norm in batch_norms(module) for buffer in norm.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)
