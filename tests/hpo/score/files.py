"""Files of embeddings for the tests, and what reading them says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from hpo.errors import DataError
from hpo.score.reading import read_embeddings

FORMATS = ("npz", "safetensors", "pt")


def rows(n: int = 6, dim: int = 4, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def named(folder: Path, kind: str, **arrays: Any) -> Path:
    path = folder / f"file.{kind}"
    tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}
    if kind == "npz":
        np.savez(path, **arrays)
    elif kind == "pt":
        torch.save(tensors, path)
    else:
        save_file(tensors, path)
    return path


def refused(path: Path, error: type[Exception] = DataError, **keys: str) -> str:
    """The message, which names the file and what was wanted."""
    with pytest.raises(error) as caught:
        read_embeddings(path, **keys)
    message = str(caught.value)
    assert str(path) in message
    assert caught.type is error
    return message


def same(found: Any, wanted: NDArray[Any]) -> bool:
    return found.shape == wanted.shape and bool((found.numpy() == wanted).all())
