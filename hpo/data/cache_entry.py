"""What an entry of the image cache holds beside its pixels, and whether it is whole."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hpo.data.mapped import DESCRIPTION, PIXELS, MappedImages
from hpo.data.pixel_digest import start_pixel_digest

LABELS = "labels.npy"
# Enough places to notice a file that was cut, overwritten or copied in part; cheap on any disk.
CHECKED_BLOCKS = 32
BLOCK_BYTES = 64 * 1024
_READ_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Contents:
    """What a set is, beside its pixels.

    Args:
        native_size: shorter side before resizing, in pixels (the median of a folder).
        unreadable: position and reason of each file that was left out.
        class_names: one name a class; empty without labels.
        labels: int64 (n_images,), or None. Those of a folder follow from its sub-folders and are
            not kept.
    """

    native_size: int
    unreadable: tuple[tuple[int, str], ...] = ()
    class_names: tuple[str, ...] = ()
    labels: Tensor | None = None


@dataclass(frozen=True)
class CachedSet:
    """A whole entry, open.

    Args:
        images: its pixels.
        pixel_digest: 64 hex digits, `fingerprint_of` the images without labels.
        contents: the rest.
    """

    images: MappedImages
    pixel_digest: str
    contents: Contents


class DamagedEntry(Exception):
    """An entry is there, but is not what was written; the message says how."""


def describe(folder: Path, shape: tuple[int, int, int, int], contents: Contents) -> None:
    """Write the description of a finished pixel file beside it.

    Args:
        folder: of the entry.
        shape: of the pixels.
        contents: the rest.
    """
    facts = asdict(contents)
    labels = facts.pop("labels")
    if labels is not None:
        np.save(folder / LABELS, labels.numpy())
    description = {
        "shape": shape,
        "pixel_digest": _pixel_digest(folder / PIXELS, shape),
        "check": _check_of(folder / PIXELS),
        "labels_sha256": "" if labels is None else _sha256(folder / LABELS),
        "contents": facts,
    }
    with (folder / DESCRIPTION).open("w", encoding="utf-8") as file:
        json.dump(description, file)
        file.flush()
        os.fsync(file.fileno())


def open_entry(folder: Path) -> CachedSet | None:
    """Open an entry and note that it is used.

    Args:
        folder: of the entry.

    Returns:
        The entry; None when it is not there.

    Raises:
        DamagedEntry: it is not what was written.
    """
    if not folder.exists():
        return None
    try:
        description = json.loads((folder / DESCRIPTION).read_text("utf-8"))
        shape = tuple(description["shape"])
        damage = _damage(folder, shape, description)
        if damage:
            raise DamagedEntry(damage)
        images = MappedImages(folder, shape)
        with contextlib.suppress(PermissionError):  # another user's
            os.utime(folder / DESCRIPTION)
        return CachedSet(images, description["pixel_digest"], _contents(folder, description))
    except (OSError, ValueError, KeyError, TypeError) as error:
        if not folder.exists():  # removed by another process while it was opened
            return None
        raise DamagedEntry(f"its description cannot be read ({error})") from error


def _contents(folder: Path, description: dict[str, Any]) -> Contents:
    facts = description["contents"]
    has_labels = bool(description["labels_sha256"])
    return Contents(
        native_size=int(facts["native_size"]),
        unreadable=tuple((int(index), str(reason)) for index, reason in facts["unreadable"]),
        class_names=tuple(facts["class_names"]),
        labels=torch.from_numpy(np.load(folder / LABELS)) if has_labels else None,
    )


def _damage(folder: Path, shape: tuple[int, ...], description: dict[str, Any]) -> str:
    n_bytes = int(np.prod(shape, dtype=np.int64))
    found = (folder / PIXELS).stat().st_size
    if found != n_bytes:
        return f"its pixels are {found} bytes and should be {n_bytes}"
    if _check_of(folder / PIXELS) != description["check"]:
        return "its pixels are not those that were written"
    wanted = description["labels_sha256"]
    if wanted and _sha256(folder / LABELS) != wanted:
        return "its labels are not those that were written"
    return ""


def _check_of(path: Path) -> str:
    """Digest of blocks at the beginning, at the end, and evenly between."""
    digest = hashlib.sha256()
    last = max(0, path.stat().st_size - BLOCK_BYTES)
    with path.open("rb") as file:
        for index in range(CHECKED_BLOCKS):
            file.seek(last * index // (CHECKED_BLOCKS - 1))
            digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()


def _pixel_digest(path: Path, shape: tuple[int, ...]) -> str:
    digest = start_pixel_digest(shape)
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            yield block


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
