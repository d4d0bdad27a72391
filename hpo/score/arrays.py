"""The arrays that a file of embeddings holds, known by name before any of them is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

UNNAMED = ""
"""Name of the one array of a file that gives its array no name."""

_SHOWN = 12


@dataclass(frozen=True)
class ArrayHeader:
    """What is known of an array without reading it.

    Args:
        dtype: its name without a library's prefix, such as "float32".
        shape: its sizes.

    >>> str(ArrayHeader("float32", (1000, 512)))
    'float32 of shape (1000, 512)'
    """

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} of shape {self.shape}"


@dataclass(frozen=True)
class ArrayFile:
    """A file of arrays, each read when it is asked for.

    Args:
        path: the file.
        headers: name to header, in the file's order; the one name `UNNAMED` for a nameless array.
        read: name to values; raises DataError for a damaged file.
    """

    path: Path
    headers: Mapping[str, ArrayHeader]
    read: Callable[[str], Tensor]

    def place(self, name: str) -> str:
        """Return how messages and headings call an array.

        >>> ArrayFile(Path("a.npz"), {}, Tensor).place("z")
        "a.npz['z']"
        """
        return f"{self.path}[{name!r}]" if name else str(self.path)

    def listing(self) -> str:
        """Return the names with dtypes and shapes, the first dozen of them."""
        shown = [f"{name!r} {header}" for name, header in self.headers.items()]
        more = [f"{len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
        return ", ".join([*shown[:_SHOWN], *more]) or "no array"
