"""A set in the making: images appended to a file, so that a killed process can be taken up."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from hpo.data.cache_entry import Contents, describe
from hpo.data.mapped import PIXELS

SAVE_EVERY_SECONDS = 2.0
_JOURNAL = "journal.jsonl"
_ROWS_AT_A_TIME = 1024


class SetWriter:
    """Appends images in the order of their files; what was saved survives the process.

    Pixels are written first and the journal after them, so the journal never promises pixels that
    are not on the disk. A set is grey until its first coloured image.

    Args:
        folder: of the set in the making; may hold what an earlier process left.
        image_size: side in pixels.
    """

    def __init__(self, folder: Path, image_size: int) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.image_size = folder, image_size
        self.n_done, self.channels = 0, 1
        self.unreadable: list[tuple[int, str]] = []
        if not self._take_up():
            self.n_done, self.channels, self.unreadable = 0, 1, []
        self._file = self._open(self.channels, self.n_kept)
        # A new journal: a line that was cut short would spoil the one written after it.
        (folder / _JOURNAL).unlink(missing_ok=True)
        self._n_journalled = 0
        self.save()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def n_kept(self) -> int:
        """Images written; `n_done` counts the files that were left out as well."""
        return self.n_done - len(self.unreadable)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n_images, channels, size, size) so far."""
        return self.n_kept, self.channels, self.image_size, self.image_size

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Append an image, uint8 (1 or 3, size, size)."""
        if len(pixels) > self.channels:
            self._become_coloured()
        self._file.write(self._row(pixels))
        self._count()

    def leave_out(self, reason: str) -> None:
        """Count a file that has no image, and why."""
        self.unreadable.append((self.n_done, reason))
        self._count()

    def save(self) -> None:
        """Put everything so far on the disk, to be taken up by whoever comes next."""
        self._file.flush()
        os.fdatasync(self._file.fileno())
        self._saved_at = time.monotonic()
        entry = {
            "n_done": self.n_done,
            "channels": self.channels,
            "unreadable": self.unreadable[self._n_journalled :],
        }
        with (self.folder / _JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(entry) + "\n")
            journal.flush()
            os.fsync(journal.fileno())
        self._n_journalled = len(self.unreadable)

    def finish(self, contents: Contents) -> None:
        """Make the folder a whole entry; it still has to get its name.

        Args:
            contents: what the set is, beside its pixels.
        """
        self._file.flush()
        os.fdatasync(self._file.fileno())
        self._file.close()
        self._pixels(self.channels).rename(self.folder / PIXELS)
        self._pixels(1).unlink(missing_ok=True)
        describe(self.folder, self.shape, contents)
        (self.folder / _JOURNAL).unlink(missing_ok=True)

    def _count(self) -> None:
        self.n_done += 1
        if time.monotonic() - self._saved_at >= SAVE_EVERY_SECONDS:
            self.save()

    def _row(self, pixels: NDArray[np.uint8]) -> bytes:
        # A grey image fills all three channels of a coloured set.
        side = self.image_size
        return np.broadcast_to(pixels, (self.channels, side, side)).tobytes()

    def _pixels(self, channels: int) -> Path:
        return self.folder / f"pixels-{channels}.u8"

    def _row_bytes(self, channels: int) -> int:
        return channels * self.image_size**2

    def _open(self, channels: int, n_rows: int) -> BinaryIO:
        path = self._pixels(channels)
        path.touch()
        file = path.open("r+b")
        # What was written after the last saving is written again.
        file.truncate(n_rows * self._row_bytes(channels))
        file.seek(0, os.SEEK_END)
        return file

    def _become_coloured(self) -> None:
        """Write the grey images again with three channels; happens once, if at all."""
        self._file.close()
        grey_path, grey = self._pixels(1), self._row_bytes(1)
        file = self._open(3, 0)
        with grey_path.open("rb") as grey_file:
            while block := grey_file.read(_ROWS_AT_A_TIME * grey):
                rows = np.frombuffer(block, dtype=np.uint8).reshape(-1, 1, grey)
                file.write(np.repeat(rows, 3, axis=1).tobytes())
        self._file, self.channels = file, 3
        self.save()
        grey_path.unlink()

    def _take_up(self) -> bool:
        """Read the journal; return whether the pixels that it promises are there."""
        for entry in self._journal():
            self.n_done, self.channels = entry["n_done"], entry["channels"]
            self.unreadable += [(index, reason) for index, reason in entry["unreadable"]]
        promised = self.n_kept * self._row_bytes(self.channels)
        path = self._pixels(self.channels)
        return (path.stat().st_size if path.exists() else 0) >= promised

    def _journal(self) -> Iterator[dict[str, Any]]:
        path = self.folder / _JOURNAL
        if not path.exists():
            return
        for line in path.read_text("utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:  # the line that was being written when the process was killed
                return
