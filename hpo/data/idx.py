"""The idx format of MNIST and its relatives (yann.lecun.com/exdb/mnist), plain or gzipped."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpo.errors import DataError

_UINT8 = 0x08


def read_idx(path: Path, n_dimensions: int) -> NDArray[np.uint8]:
    """Read one idx file of bytes.

    Args:
        path: the file; one ending in `.gz` is unpacked.
        n_dimensions: 3 for images, 1 for labels.

    Returns:
        uint8 array with `n_dimensions` axes, read-only.

    Raises:
        DataError: the file is damaged, or is no idx file of bytes with so many axes.
    """
    content = _read_bytes(path)
    header = struct.Struct(f">{1 + n_dimensions}I")
    magic = struct.pack(">I", (_UINT8 << 8) | n_dimensions)
    if content[:4] != magic:
        raise DataError(
            f"{path}: got magic number {content[:4].hex() or 'nothing'}, wanted {magic.hex()} "
            f"(idx, unsigned bytes, {n_dimensions} axes). Is it the right file?"
        )
    if len(content) < header.size:
        raise DataError(f"{path}: got {len(content)} bytes, wanted an idx header of {header.size}.")
    shape = header.unpack_from(content)[1:]
    n_values = len(content) - header.size
    if n_values != math.prod(shape):
        raise DataError(
            f"{path}: got {n_values} values, wanted {math.prod(shape)} for shape {shape}. "
            "The file is damaged or incomplete: copy it again."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header.size).reshape(shape)


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}. Copy it again.") from error
