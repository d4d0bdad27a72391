"""What every description of a backbone has: enough to build it again, in any process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from torch import nn

from hpo.backbones.weights import WeightsFile


@dataclass(frozen=True, kw_only=True)
class BackboneSpec(ABC):
    """What it takes to build a backbone: plain data, hashable, the same in every process.

    Each family of backbones adds its own fields and knows how to build itself.

    Args:
        name: as the user gave it.
        dim: width of the representation h, in features.
        in_channels: 1 for grey images, 3 for colour.
        image_size: side of the square images it was fitted to, pixels.
        weights: file that it starts from; None for fresh weights.
    """

    family: ClassVar[str]

    name: str
    dim: int
    in_channels: int
    image_size: int
    weights: WeightsFile | None = None

    @abstractmethod
    def build(self) -> nn.Module:
        """Build it with fresh weights: images (n, channels, size, size) to features (n, dim)."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain data for a card or a database."""
        return {"family": self.family, **asdict(self)}
