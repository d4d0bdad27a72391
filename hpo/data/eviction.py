"""Room in the image cache: what was not used for longest goes first, what is in use never."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from hpo.data.mapped import DESCRIPTION, REMOVED, remove, remove_unless_held
from hpo.errors import StorageError

IN_THE_MAKING = ".part"
LOCK = ".lock"
_GIB = 2**30


@dataclass(frozen=True)
class _Entry:
    """A folder of the cache, whole or in the making."""

    folder: Path
    n_bytes: int
    used_at: float


def make_room(sets: Path, part: Path, wanted_bytes: int, limit_bytes: int) -> None:
    """Delete other entries until a new one fits, within the limit and on the disk.

    Args:
        sets: folder of all entries.
        part: the new one, which may hold something already.
        wanted_bytes: that it will need in all, at most.
        limit_bytes: of all entries together.

    Raises:
        StorageError: it does not fit, because others are in use or the disk is full.
    """
    entries = sorted(_entries(sets), key=lambda entry: entry.used_at)
    others = [entry for entry in entries if entry.folder != part]
    started = sum(entry.n_bytes for entry in entries if entry.folder == part)
    used = sum(entry.n_bytes for entry in others)
    missing = wanted_bytes - started
    for entry in others:
        fits = used + wanted_bytes <= limit_bytes and missing <= _free_bytes(sets)
        if fits:
            return
        if _give_up(sets, entry.folder):
            used -= entry.n_bytes
    if used + wanted_bytes > limit_bytes:
        raise StorageError(
            f"cache_gib: the images need {wanted_bytes / _GIB:.3g} GiB, and of the "
            f"{limit_bytes / _GIB:.3g} GiB of the image cache in {sets.parent} other studies are "
            f"using {used / _GIB:.3g} GiB. Raise --cache-gib, name another --cache-dir, use "
            "--image-size or --max-images to need less, or wait for the other studies."
        )
    free = _free_bytes(sets)
    if missing > free:
        raise StorageError(
            f"cache_dir: the images need {missing / _GIB:.3g} GiB in the image cache in "
            f"{sets.parent}, and that disk has {free / _GIB:.3g} GiB left. Name a folder with more "
            "room with --cache-dir, use --image-size or --max-images to need less, or keep the "
            "images in memory with --cache-gib 0."
        )


def _entries(sets: Path) -> Iterator[_Entry]:
    for folder in sets.iterdir():
        if folder.name.endswith(REMOVED):  # a process was killed while it deleted this
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.is_dir():
            # Others may be deleting it, too.
            with contextlib.suppress(FileNotFoundError):
                facts = [file.stat() for file in folder.iterdir()]
                used_at = max((fact.st_mtime for fact in facts), default=0.0)
                yield _Entry(folder, sum(fact.st_size for fact in facts), used_at)


def _give_up(sets: Path, folder: Path) -> bool:
    """Delete an entry that nobody reads or makes; return whether it is gone."""
    key = folder.name.removesuffix(IN_THE_MAKING)
    lock = filelock.FileLock(sets / f"{key}{LOCK}")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    try:
        if folder.name.endswith(IN_THE_MAKING) or not (folder / DESCRIPTION).exists():
            remove(folder)
            return True
        return remove_unless_held(folder)
    except FileNotFoundError:
        return True
    finally:
        lock.release()


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
