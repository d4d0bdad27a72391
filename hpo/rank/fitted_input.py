"""The same images for every network: channels and normalisation are fitted to each inside it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hpo.embedding import Normalisation
from hpo.errors import ConfigError

IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601, as Pillow's mode L


class FittedInput(nn.Module):
    """A network that takes pixels in [0, 1], grey or colour, whatever it was trained on.

    Views are drawn before it, so that all networks see the very same ones.

    Args:
        net: normalised images (n, channels, size, size) to features.
        channels: that the network takes, 1 or 3.
        normalisation: that it was trained with.
    """

    def __init__(self, net: nn.Module, channels: int, normalisation: Normalisation) -> None:
        super().__init__()
        self.net, self.channels, self.normalisation = net, channels, normalisation

    def forward(self, pixels: Tensor) -> Tensor:
        """Return features.

        Args:
            pixels: float (n, 1 or 3, size, size) in [0, 1].
        """
        features: Tensor = self.net(self.normalisation(with_channels(pixels, self.channels)))
        return features


def with_channels(pixels: Tensor, channels: int) -> Tensor:
    """Return pixels with so many channels: grey three times, or colour as its brightness.

    >>> with_channels(torch.ones(2, 1, 4, 4), 3).shape
    torch.Size([2, 3, 4, 4])
    >>> round(with_channels(torch.ones(1, 3, 1, 1), 1).item(), 6)
    1.0
    """
    if pixels.shape[1] == channels:
        return pixels
    if channels == 3:
        return pixels.expand(-1, 3, -1, -1)
    weights = torch.tensor(_LUMA, dtype=pixels.dtype, device=pixels.device)
    return (pixels * weights.view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def parse_normalize(text: str | None) -> Normalisation | str:
    """Read `--normalize`.

    Args:
        text: imagenet, data, none, or MEAN/STD such as `0.5/0.5` or `0.5,0.5,0.5/0.2,0.2,0.2`; None
            for what usually holds.

    Raises:
        ConfigError: for anything else.

    >>> parse_normalize("0.5/0.25")
    Normalisation(mean=(0.5,), std=(0.25,), n_sampled=0)
    """
    if text in (None, "imagenet", "data", "none"):
        return text or "usual"
    try:
        mean, std = (tuple(float(x) for x in part.split(",")) for part in str(text).split("/"))
        good = len(mean) == len(std) in (1, 3) and min(std) > 0
        if not (good and all(map(math.isfinite, mean + std))):
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"normalize: got {text!r}; wanted imagenet, data, none, or MEAN/STD with one or three "
            "numbers each, such as 0.5,0.5,0.5/0.25,0.25,0.25."
        ) from None
    return Normalisation(mean, std)


def normalisation_for(
    asked: Normalisation | str, channels: int, images: Tensor
) -> tuple[Normalisation, str]:
    """Choose the normalisation of a network that has no card.

    What usually holds is ImageNet's for colour, as in Lightly's, torchvision's and most of timm's
    transforms; for grey there is no such habit, so the images' own.

    Args:
        asked: from `parse_normalize`.
        channels: that the network takes.
        images: uint8 (n, 1 or 3, size, size), those that are measured.

    Returns:
        The normalisation and its name.

    Raises:
        ConfigError: when it is of another number of channels.
    """
    if asked == "usual":
        asked = "imagenet" if channels == 3 else "data"
    if asked == "none":
        return Normalisation((0.0,) * channels, (1.0,) * channels), "none"
    if asked == "data":
        fitted = with_channels(images.float(), channels).round().to(torch.uint8)
        return Normalisation.of(fitted), "data"
    found = IMAGENET if isinstance(asked, str) else asked
    if len(found.mean) not in (1, channels):
        raise ConfigError(
            f"normalize: got {len(found.mean)} channels for a network that takes {channels}; "
            "wanted data, none, or one number for each."
        )
    name = "imagenet" if found is IMAGENET else "given"
    repeats = channels // len(found.mean)
    return Normalisation(found.mean * repeats, found.std * repeats), name
