"""Images in a file that is mapped into memory: read-only, and shared by all processes."""

from __future__ import annotations

import fcntl
import os
import shutil
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from hpo.data.decoding import open_picture
from hpo.data.store import as_picture

if TYPE_CHECKING:
    from PIL import Image

PIXELS = "pixels.u8"
DESCRIPTION = "entry.json"
REMOVED = ".removed"


class MappedImages:
    """The images of a cache entry, which is not removed while this object lives.

    Args:
        folder: of the entry.
        shape: (n_images, channels, size, size).
        files: the picture that each image was made from; None when they did not come from files.

    Raises:
        OSError: the entry is not there (any more).
    """

    is_streamed = False

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, int, int, int],
        files: Sequence[Path] | None = None,
    ) -> None:
        self.folder, self.shape, self.files = folder, shape, files
        descriptor = hold(folder)
        # Closing gives the hold back; other processes and copies of this object have their own.
        weakref.finalize(self, os.close, descriptor)
        self._pixels = np.memmap(folder / PIXELS, dtype=np.uint8, mode="r", shape=shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __reduce__(self) -> tuple[Any, ...]:
        # To another process goes where the images are, not what they are.
        return MappedImages, (self.folder, self.shape, self.files)

    def read(self, positions: Tensor) -> Tensor:
        """Return a copy of the images at these positions."""
        return torch.from_numpy(self._pixels[positions.numpy()])

    def picture(self, position: int) -> Image.Image:
        """Return one image as Pillow's: the file at its native size where there is one."""
        if self.files is not None:
            return open_picture(self.files[position], self.shape[1])
        return as_picture(self.read(torch.tensor([position]))[0])

    def with_files(self, files: Sequence[Path]) -> MappedImages:
        """Return the same images, knowing the picture that each was made from."""
        return MappedImages(self.folder, self.shape, files)


def hold(folder: Path) -> int:
    """Keep an entry from being removed until the returned descriptor is closed.

    Args:
        folder: of the entry.

    Returns:
        A file descriptor with a shared lock on the entry's description.

    Raises:
        OSError: the entry is not there, or was removed meanwhile.
    """
    path = folder / DESCRIPTION
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        # Between opening and locking, the entry may have been removed and even made again.
        if not os.path.samestat(os.fstat(descriptor), path.stat()):
            raise FileNotFoundError(f"{folder} was removed while it was being opened")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def remove_unless_held(folder: Path) -> bool:
    """Delete an entry that no process holds; return whether it is gone.

    Args:
        folder: of the entry.
    """
    descriptor = os.open(folder / DESCRIPTION, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(folder)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def remove(folder: Path) -> None:
    """Delete a folder of the cache so that nobody sees it half deleted.

    Args:
        folder: of an entry, or of one in the making.
    """
    doomed = folder.with_name(f"{folder.name}-{os.getpid()}{REMOVED}")
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
