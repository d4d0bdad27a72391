"""Where training reads its images: in memory, in a mapped file, or from the files themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from hpo.data.decoding import open_picture

if TYPE_CHECKING:
    from PIL import Image


class ImageStore(Protocol):
    """Square uint8 images that are read by position, many at a time."""

    @property
    def is_streamed(self) -> bool:
        """Whether every read decodes files again, so that reading all images costs a lot."""
        ...

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n_images, channels, size, size)."""
        ...

    def __len__(self) -> int:
        """Number of images."""
        ...

    def read(self, positions: Tensor) -> Tensor:
        """Return uint8 (n, channels, size, size) on the CPU; the caller may write to it.

        Args:
            positions: int64 (n,), each in [0, len(self)).
        """
        ...

    def picture(self, position: int) -> Image.Image:
        """Return one image as Pillow's, mode L or RGB, as large as it is known."""
        ...


class TensorStore:
    """Images in memory.

    Args:
        images: uint8 (n, channels, size, size).
        files: the picture that each image was made from; None when they did not come from files.
    """

    is_streamed = False

    def __init__(self, images: Tensor, files: Sequence[Path] | None = None) -> None:
        self.images, self.files = images, files

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n_images, channels, size, size)."""
        n, channels, height, width = self.images.shape
        return n, channels, height, width

    def __len__(self) -> int:
        return len(self.images)

    def read(self, positions: Tensor) -> Tensor:
        """Return a copy of the images at these positions."""
        return self.images[positions]

    def picture(self, position: int) -> Image.Image:
        """Return one image as Pillow's: the file at its native size where there is one."""
        if self.files is not None:
            return open_picture(self.files[position], self.shape[1])
        return as_picture(self.images[position])


class Selection:
    """Some images of a store, without a copy.

    Args:
        store: all images.
        positions: int64 (n,), which of them, in the order they are to have.
    """

    def __init__(self, store: ImageStore, positions: Tensor) -> None:
        self.store, self.positions = store, positions

    @property
    def is_streamed(self) -> bool:
        """Whether the store behind it is."""
        return self.store.is_streamed

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n_images, channels, size, size)."""
        return len(self.positions), *self.store.shape[1:]

    def __len__(self) -> int:
        return len(self.positions)

    def read(self, positions: Tensor) -> Tensor:
        """Return the images at these positions of the selection."""
        return self.store.read(self.positions[positions])

    def picture(self, position: int) -> Image.Image:
        """Return one image as Pillow's."""
        return self.store.picture(int(self.positions[position]))


def as_store(images: Tensor | ImageStore) -> ImageStore:
    """Return a store; a tensor becomes one.

    >>> as_store(torch.zeros(2, 1, 4, 4, dtype=torch.uint8)).shape
    (2, 1, 4, 4)
    """
    return TensorStore(images) if isinstance(images, Tensor) else images


def read_all(store: ImageStore) -> Tensor:
    """Return every image of a store in one tensor, uint8 (n, channels, size, size).

    Args:
        store: one that fits in memory.
    """
    return store.read(torch.arange(len(store)))


def as_picture(pixels: Tensor) -> Image.Image:
    """Make one image Pillow's, mode L or RGB.

    Args:
        pixels: uint8 (1 or 3, height, width).

    >>> as_picture(torch.zeros(3, 4, 8, dtype=torch.uint8)).size
    (8, 4)
    """
    from PIL import Image

    array = pixels.numpy()
    return Image.fromarray(array[0] if len(array) == 1 else array.transpose(1, 2, 0).copy())
