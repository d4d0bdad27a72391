"""From pictures to what a backbone takes: as its study read them, and normalised as it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hpo.data.decoding import open_picture
from hpo.data.resizing import to_square
from hpo.errors import DataError

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Preprocess:
    """What is done to pictures before a backbone sees them.

    Args:
        size: side of the square that it takes, in pixels.
        channels: 1 for grey, 3 for colour.
        mean: one a channel, in [0, 1] units.
        std: likewise.
    """

    size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Preprocess:
        """Read the `input` of a card.

        >>> Preprocess.of({"size": 8, "channels": 1, "mean": [0.5], "std": [0.25]}).mode
        'L'
        """
        return cls(
            int(given["size"]), int(given["channels"]), tuple(given["mean"]), tuple(given["std"])
        )

    @property
    def mode(self) -> str:
        """Pillow's name of the kind of picture: "L" or "RGB"."""
        return "L" if self.channels == 1 else "RGB"

    def __call__(self, pictures: Any) -> Tensor:
        """Turn pictures into a batch.

        The shorter side is scaled to `size` (antialiased bilinear) and the centre square kept.

        Args:
            pictures: a path, a picture of Pillow's (8 bits), or any number of them.

        Returns:
            float32 (n, channels, size, size), normalised.

        Raises:
            DataError: when there is none, one cannot be read, or one is of another kind.

        >>> from PIL import Image
        >>> grey = Preprocess(size=8, channels=1, mean=(0.5,), std=(0.25,))
        >>> grey(Image.new("L", (20, 10), 255)).shape, grey(Image.new("L", (8, 8), 255)).max()
        (torch.Size([1, 1, 8, 8]), tensor(2.))
        """
        alone = isinstance(pictures, str | Path) or hasattr(pictures, "convert")
        squares = list(self._squares([pictures] if alone else pictures))
        if not squares:
            raise DataError("pictures: got none; wanted at least one.")
        return self.normalised(torch.stack(squares).float().div_(255.0))

    def normalised(self, pixels: Tensor) -> Tensor:
        """Normalise pixels.

        Args:
            pixels: float (n, channels, side, side) in [0, 1], any device.
        """
        mean, std = (
            torch.tensor(each, dtype=pixels.dtype, device=pixels.device).view(1, -1, 1, 1)
            for each in (self.mean, self.std)
        )
        return (pixels - mean) / std

    def _squares(self, pictures: Iterable[Any]) -> Iterable[Tensor]:
        for picture in pictures:
            is_path = isinstance(picture, str | Path)
            image = self._opened(Path(picture)) if is_path else self._kind(picture)
            yield torch.from_numpy(to_square(image, self.size).copy())

    def _opened(self, path: Path) -> Image.Image:
        return open_picture(
            path,
            self.channels,
            lambda path, reason: (
                f"pictures: {path} cannot be read: {reason}. Leave it out, or "
                "give a picture that can be read."
            ),
        )

    def _kind(self, picture: Any) -> Image.Image:
        from PIL import Image, ImageOps

        if not isinstance(picture, Image.Image):
            raise DataError(
                f"pictures: got a {type(picture).__name__}; wanted paths or Pillow's images. "
                "Tensors of pixels in [0, 1] at the right size go through `normalised`."
            )
        if picture.mode.startswith(("I", "F")):
            raise DataError(
                f"pictures: got one of mode {picture.mode}; wanted 8 bits a channel. Give the path "
                "of its file instead, or convert it."
            )
        return ImageOps.exif_transpose(picture).convert(self.mode)
