"""Checkpoints: written whole or not at all, read without running anything in them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from hpo.errors import StorageError


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a kill at any moment leaves the old one or the new one.

    Args:
        path: where; its folder is made.
        state: tensors and plain Python values only.

    Raises:
        StorageError: when it cannot be written (disk full, read-only).
    """
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        # torch's zip writer reports a full disk as a RuntimeError.
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: the checkpoint could not be written ({error}). Free disk space or make the "
            "folder writable, then give the same command again: it goes on from the last one."
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint with `weights_only=True`, onto the CPU.

    Raises:
        StorageError: when it is missing or damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # damaged bytes make torch raise nearly anything
        raise StorageError(
            f"{path}: the checkpoint cannot be read ({_reason(error)}). Delete the file to train "
            "this trial from its beginning."
        ) from error
    return state


def _reason(error: Exception) -> str:
    """Not torch's own words for damaged bytes: they advise to turn `weights_only` off."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"damaged, or not written by this package: {type(error).__name__}"
