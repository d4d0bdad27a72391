"""The image cache: decoded sets in files that all trials, workers and studies map.

An entry is one folder. It gets its name only when it is whole, so nobody reads half of one; while
it is made, a lock makes others wait for it. An open entry is held by a shared lock on its
description and is never removed; the system gives both locks back when a process dies. POSIX only.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from hpo.data.building import SetWriter
from hpo.data.cache_entry import CachedSet, Contents, DamagedEntry, open_entry
from hpo.data.eviction import IN_THE_MAKING, LOCK, make_room
from hpo.data.file_index import FileFacts, FileIndex
from hpo.data.mapped import remove
from hpo.errors import GoldilocksError, StorageError

# Part of every key: raise it when the same files and options are to give other pixels.
FORMAT_VERSION = 1
_ASK_AGAIN_SECONDS = 0.5
_WAYS = (
    "Name a folder with more room with --cache-dir, or use --image-size or --max-images to need "
    "less; --cache-gib 0 does without the cache and keeps the images in memory"
)


def default_folder() -> Path:
    """Where the cache is when nothing was said: the user's cache folder."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    base = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    return base / "goldilocks-hpo"


class ImageCache:
    """Decoded sets on disk, by what was decoded and how.

    Args:
        folder: made when it is first needed; None takes `default_folder()`.
        limit_bytes: of all entries together, above 0.
        note: told in a sentence what the user should know.
    """

    def __init__(self, folder: Path | None, limit_bytes: int, note: Callable[[str], None]) -> None:
        self.folder = (folder or default_folder()).expanduser()
        self.limit_bytes, self.note = limit_bytes, note
        self._sets = self.folder / "sets"
        self._index = FileIndex(self.folder / "files.sqlite")

    def look_up(
        self, paths: list[Path], progress: Callable[[int, int], None] | None
    ) -> list[FileFacts]:
        """Return digest and header of each file, reading only those not known yet.

        Args:
            paths: at least one.
            progress: called with (files done, files in all) if any has to be read.

        Raises:
            StorageError: the cache cannot be written.
        """
        with self._explained():
            self._sets.mkdir(parents=True, exist_ok=True)
            return self._index.look_up([path.absolute() for path in paths], progress)

    def find(self, key: str) -> CachedSet | None:
        """Open an entry; None when there is none that is whole.

        Args:
            key: from `key_of` the digests that `look_up` gave.
        """
        try:
            return open_entry(self._sets / key)
        except DamagedEntry:
            return None

    def find_or_build(
        self,
        key: str,
        image_size: int,
        wanted_bytes: int,
        build: Callable[[SetWriter], Contents],
        idle: Callable[[], None] = lambda: None,
    ) -> CachedSet:
        """Open an entry, or make it; a second process waits for the first to have made it.

        Args:
            key: from `key_of`.
            image_size: side in pixels.
            wanted_bytes: that it will need at most, not above `limit_bytes`.
            build: appends the images that are missing and says what the set is.
            idle: called now and then while another process makes it; may raise to stop waiting.

        Raises:
            StorageError: there is no room for it, or it cannot be written.
        """
        found = self.find(key)
        if found is not None:
            return found
        with self._explained(), self._lock(key, idle):
            found = self._check(key)
            if found is None:
                self._build(key, image_size, wanted_bytes, build)
                found = self._check(key)
        if found is None:
            raise StorageError(
                f"{self._sets / key} was removed while it was being made. Run it again."
            )
        return found

    def _check(self, key: str) -> CachedSet | None:
        folder = self._sets / key
        try:
            return open_entry(folder)
        except DamagedEntry as damage:
            self.note(f"the cached images in {folder} are damaged: {damage}. They are made again.")
            remove(folder)
            return None

    def _build(
        self,
        key: str,
        image_size: int,
        wanted_bytes: int,
        build: Callable[[SetWriter], Contents],
    ) -> None:
        part = self._sets / f"{key}{IN_THE_MAKING}"
        make_room(self._sets, part, wanted_bytes, self.limit_bytes)
        try:
            with SetWriter(part, image_size) as writer:
                writer.finish(build(writer))
            part.rename(self._sets / key)
        except (GoldilocksError, OSError):
            # Anything else, Ctrl-C above all, leaves what is done for the next run to take up.
            shutil.rmtree(part, ignore_errors=True)
            raise

    @contextmanager
    def _lock(self, key: str, idle: Callable[[], None]) -> Iterator[None]:
        lock = filelock.FileLock(self._sets / f"{key}{LOCK}")
        told = False
        while True:
            try:
                lock.acquire(timeout=_ASK_AGAIN_SECONDS if told else 0)
                break
            except filelock.Timeout:
                if not told:
                    self.note("another process is caching the same images: waiting for it.")
                told = True
                idle()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except GoldilocksError:
            raise
        except OSError as error:
            raise StorageError(
                f"The image cache in {self.folder} cannot be written: {error.strerror or error}. "
                f"{_WAYS}."
            ) from error


def key_of(**settings: Any) -> str:
    """Return the name of an entry: the same for the same content and settings.

    Args:
        settings: plain data that decides about the pixels.

    >>> key_of(image_size=8)[:8] == key_of(image_size=16)[:8]
    False
    """
    text = json.dumps({"format": FORMAT_VERSION, **settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
