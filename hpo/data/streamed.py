"""Images that are decoded from their files each time they are read: sets too large to keep."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from hpo.data.decoding import Unreadable, decode, gone_bad, open_picture, pillow_ready
from hpo.data.in_order import in_order, thread_pool
from hpo.errors import DataError

if TYPE_CHECKING:
    from PIL import Image


class StreamedImages:
    """Pictures in files, decoded in threads when they are asked for.

    A picture that cannot be decoded is an error that names it, and never another picture in its
    place: training would go on with data that no run could repeat. Files whose header cannot be
    read are not to be among `files`.

    Args:
        files: one a picture.
        channels: 1 when every one of them is grey, otherwise 3.
        image_size: side of the square images, in pixels.
    """

    is_streamed = True

    def __init__(self, files: Sequence[Path], *, channels: int, image_size: int) -> None:
        self.files, self.channels, self.image_size = files, channels, image_size
        self._pool: ThreadPoolExecutor | None = None
        self._process = os.getpid()
        # One read at a time: each has all threads, and Python's warning filters are everybody's.
        self._reading = threading.Lock()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n_images, channels, size, size)."""
        return len(self.files), self.channels, self.image_size, self.image_size

    def __len__(self) -> int:
        return len(self.files)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.files, self.channels, self.image_size)

    def read(self, positions: Tensor) -> Tensor:
        """Decode the pictures at these positions.

        Args:
            positions: int64 (n,), each in [0, len(self)).

        Returns:
            uint8 (n, channels, size, size), in the order of the positions.

        Raises:
            DataError: a picture cannot be decoded, or is coloured in a set of grey ones.
        """
        images = np.empty((len(positions), *self.shape[1:]), dtype=np.uint8)
        files = [self.files[position] for position in positions.tolist()]
        with (
            self._reading,
            pillow_ready(),
            closing(in_order(self._threads(), self._decode, files)) as found,
        ):
            for row, pixels in zip(images, found, strict=True):
                row[:] = pixels  # a grey picture fills all three channels
        return torch.from_numpy(images)

    def picture(self, position: int) -> Image.Image:
        """Return one picture at its native size."""
        return open_picture(self.files[position], self.channels)

    def _decode(self, path: Path) -> np.ndarray:
        found = decode(path, self.image_size)
        if isinstance(found, Unreadable):
            raise DataError(gone_bad(path, found.reason))
        if len(found.pixels) > self.channels:
            raise DataError(gone_bad(path, "it is coloured, and was grey when the study began"))
        return found.pixels

    def _threads(self) -> ThreadPoolExecutor:
        # Threads do not survive a fork, as into the workers of a DataLoader.
        if self._pool is None or self._process != os.getpid():
            self._pool, self._process = thread_pool(), os.getpid()
        return self._pool


def _again(files: Sequence[Path], channels: int, image_size: int) -> StreamedImages:
    return StreamedImages(files, channels=channels, image_size=image_size)
