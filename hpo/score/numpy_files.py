"""`.npy` and `.npz` files: headers first, nothing unpickled, a large `.npy` memory-mapped."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpo.errors import DataError
from hpo.score.arrays import UNNAMED, ArrayFile, ArrayHeader
from hpo.score.damage import damage_as_message


def open_npy(path: Path) -> ArrayFile:
    """Open an `.npy` file: one array without a name.

    Args:
        path: a file written by `numpy.save`.

    Raises:
        DataError: it is none, or is damaged.
    """
    if zipfile.is_zipfile(path):
        raise DataError(
            f"{path}: got a zip archive, wanted one array as numpy.save writes it; an archive of "
            f"numpy.savez is named .npz: rename it to {path.with_suffix('.npz').name}."
        )
    with damage_as_message(path, "numpy.save(path, embeddings)"), path.open("rb") as stream:
        headers = {UNNAMED: _header(stream)}

    def read(name: str) -> Tensor:
        with damage_as_message(path, "numpy.save(path, embeddings)"):
            # Copy-on-write: torch warns of memory that it may not write to, and nothing is written.
            return _tensor(np.load(path, mmap_mode="c", allow_pickle=False))

    return ArrayFile(path, headers, read)


def open_npz(path: Path) -> ArrayFile:
    """Open an `.npz` archive of named arrays.

    Args:
        path: a file written by `numpy.savez` or `numpy.savez_compressed`.

    Raises:
        DataError: it is none, or is damaged.
    """
    headers = {}
    with (
        damage_as_message(path, "numpy.savez(path, embeddings=embeddings)"),
        zipfile.ZipFile(path) as archive,
    ):
        for member in archive.namelist():
            if PurePosixPath(member).suffix == ".npy":
                with archive.open(member) as stream:
                    headers[member.removesuffix(".npy")] = _header(stream)

    def read(name: str) -> Tensor:
        with (
            damage_as_message(path, "numpy.savez(path, embeddings=embeddings)"),
            np.load(path, allow_pickle=False) as archive,
        ):
            return _tensor(archive[name])

    return ArrayFile(path, headers, read)


def _header(stream: IO[bytes]) -> ArrayHeader:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        # 2.0 for long headers; 3.0 differs from it by text encoding alone, which only the field
        # names of records need.
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    return ArrayHeader(dtype.name, tuple(shape))


def _tensor(array: NDArray[Any]) -> Tensor:
    """Share the array's memory, unless its bytes are in the other order."""
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
