"""Random views that are the same at every measure, and a training that does not notice."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset


@contextmanager
def apart(device: torch.device) -> Iterator[None]:
    """Leave the random states of Python, numpy and torch as they were found.

    Args:
        device: whose state is kept beside the processor's.
    """
    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - others use it
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)  # noqa: NPY002


def seed_for(seed: int, *places: int) -> None:
    """Seed all that transforms draw from on the processor: by the seed and a place, alone.

    >>> seed_for(0, 3)
    >>> first = torch.rand(1)
    >>> seed_for(0, 3)
    >>> bool(first == torch.rand(1))
    True
    """
    words = np.random.SeedSequence((seed, *places)).generate_state(1)
    number = int(words[0])
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 - what transforms of others draw from
    torch.default_generator.manual_seed(number)


class SeededItems(Dataset[Any]):
    """Some items of a data set, each drawn under a seed of its own.

    So a random view of an image is the same at every measure, with any number of loading
    processes and of devices.

    Args:
        dataset: with a length, read by index.
        indices: which items, in which order.
        seed: of all.
    """

    def __init__(self, dataset: Any, indices: Sequence[int], seed: int) -> None:
        self.dataset, self.indices, self.seed = dataset, indices, seed

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Any:
        index = self.indices[place]
        seed_for(self.seed, index)
        return self.dataset[index]


def is_indexable(dataset: Any) -> bool:
    """Whether items can be read by their index."""
    return isinstance(dataset, Sized) and hasattr(dataset, "__getitem__")
