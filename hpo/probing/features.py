"""Features on disk: every backbone embeds the probe's images once."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from hpo.data.pixel_digest import start_pixel_digest
from hpo.errors import StorageError

_TENSOR, _DIGEST = "features", "images"


def trial_backbone(number: int, epoch: int) -> str:
    """Name the backbone of a trial at an epoch.

    >>> trial_backbone(3, 54)
    'trial-0003-0054'
    """
    return f"trial-{number:04d}-{epoch:04d}"


class FeatureCache:
    """Features of the probe's images by backbone, each in a safetensors file.

    Args:
        folder: where; made when the first features are kept.
        images: uint8 (n, channels, size, size), the probe's. Features of other images are never
            taken for theirs.
        dim: features of the backbone.
        note: told of a file that cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        images: Tensor,
        dim: int,
        *,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.folder, self._note = folder, note
        self._shape = (len(images), dim)
        digest = start_pixel_digest(tuple(images.shape))
        digest.update(images.contiguous().numpy().tobytes())
        self._digest = digest.hexdigest()

    def path(self, backbone: str) -> Path:
        """Path of a backbone's features."""
        return self.folder / f"{backbone}.safetensors"

    def features(self, backbone: str, embed: Callable[[], Tensor]) -> Tensor:
        """Return a backbone's features, embedding the images when they are not kept.

        A file that is damaged, or of other images or another width, is computed again.

        Args:
            backbone: its name, as `trial_backbone` makes it for a trial's.
            embed: computes them: float32 (n, dim).

        Raises:
            StorageError: when they cannot be written.
        """
        found = self.kept(backbone)
        if found is not None:
            return found
        features = embed()
        self._write(self.path(backbone), features)
        return features

    def kept(self, backbone: str) -> Tensor | None:
        """Return a backbone's features if they are kept and whole, else None."""
        path = self.path(backbone)
        if not path.exists():
            return None
        try:
            return self._read(path)
        except MemoryError:
            raise
        except Exception as error:  # damaged bytes raise nearly anything
            self._note(f"{path}: not used ({error})")
            return None

    def _read(self, path: Path) -> Tensor:
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get(_DIGEST) != self._digest:
                raise ValueError("features of other images")
            features: Tensor = file.get_tensor(_TENSOR)
        if tuple(features.shape) != self._shape or features.dtype != torch.float32:
            raise ValueError(
                f"got {tuple(features.shape)} {features.dtype}, wanted {self._shape} float32"
            )
        return features

    def _write(self, path: Path, features: Tensor) -> None:
        from safetensors.torch import save

        content = save({_TENSOR: features.contiguous()}, metadata={_DIGEST: self._digest})
        partial = path.with_suffix(f".{os.getpid()}.partial")  # another process may write it too
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise StorageError(
                f"{path}: the features could not be written ({error.strerror or error}). Free disk "
                "space or make the folder writable, then give the same command again."
            ) from error
