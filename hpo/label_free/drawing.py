"""Turns at torch's own generator, which all threads of a process share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_TURN = threading.RLock()


@contextmanager
def drawing(device: torch.device) -> Iterator[None]:
    """Let one thread draw from torch's generators, and give them back as they were.

    Weights, and losses that draw, come from the generator of the process. Two threads that seed
    it in turns, as `study.optimize(n_jobs=2)` would have them, would take each other's draws, and
    no value could be had twice. So one of them waits; processes do not.

    Args:
        device: whose generator is used, beside the CPU's.
    """
    devices = []
    if device.type == "cuda":  # pragma: no GPU
        devices = [torch.cuda.current_device() if device.index is None else device.index]
    with _TURN, torch.random.fork_rng(devices=devices):
        yield
