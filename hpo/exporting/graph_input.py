"""What the exported graph takes, and the backbone fitted to it."""

from __future__ import annotations

from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from hpo.backbones.chosen import ChosenBackbone
from hpo.backbones.preprocessing import Preprocess
from hpo.errors import ConfigError

GraphInput = Literal["normalised", "unit", "uint8"]


class Exportable(nn.Module):
    """A backbone whose graph begins where the user's images are.

    Args:
        backbone: that takes normalised images.
        takes: "normalised" images; "unit" for float pixels in [0, 1]; "uint8" for bytes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: ChosenBackbone, takes: GraphInput) -> None:
        super().__init__()
        self.net, self.takes = backbone.net, takes
        self.preprocess = given = backbone.preprocess
        for name in ("mean", "std"):
            column = torch.tensor(getattr(given, name)).view(1, -1, 1, 1)
            self.register_buffer(name, column, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return features, float32 (n, dim)."""
        if self.takes == "uint8":
            images = images.to(torch.float32) / 255.0
        if self.takes != "normalised":
            images = (images - self.mean) / self.std
        features: Tensor = self.net(images)
        return features

    def of_pixels(self, pixels: Tensor) -> Tensor:
        """Return pixels as the graph takes them.

        Args:
            pixels: uint8 (n, channels, size, size).
        """
        if self.takes == "uint8":
            return pixels
        unit = pixels.float() / 255.0
        return unit if self.takes == "unit" else self.preprocess.normalised(unit)


def example_pixels(given: Preprocess, n: int) -> Tensor:
    """Return uint8 (n, channels, size, size), the same each time."""
    shape, generator = (n, given.channels, given.size, given.size), torch.Generator().manual_seed(n)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def graph_input(with_normalisation: str | None) -> GraphInput:
    """Read `--with-normalisation`.

    Args:
        with_normalisation: unit or uint8; None leaves the normalisation out.

    Raises:
        ConfigError: for anything else.

    >>> graph_input(None), graph_input("uint8")
    ('normalised', 'uint8')
    """
    known = [name for name in get_args(GraphInput) if name != "normalised"]
    if with_normalisation is None:
        return "normalised"
    if with_normalisation not in known:
        raise ConfigError(
            f"with_normalisation: got {with_normalisation!r}; wanted unit (float pixels in [0, 1]) "
            "or uint8 (bytes)."
        )
    return cast(GraphInput, with_normalisation)
