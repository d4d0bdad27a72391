"""The network that a training began with: what its measures are held against."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from objectives import EmbeddingStatistics

FEATURES_OF_AT_MOST = 1024
"""Images whose first features are kept: a checkpoint grows by 4 MB at 1,024 dimensions."""


@dataclass(frozen=True)
class Start:
    """What is kept of the untrained network, in checkpoints too.

    Args:
        backbone: statistics of its features.
        projector: statistics of its embeddings.
        features: float32 (n, dim), of the first images, at most `FEATURES_OF_AT_MOST`.
        n_images: that were measured.
        n_views: of each; 0 where none were.
        checksum: float64 (n,): of the first images themselves, to know them by.
        retrieval: view retrieval of its features; nan where no measure needed views.
    """

    backbone: EmbeddingStatistics
    projector: EmbeddingStatistics
    features: Tensor
    n_images: int
    n_views: int
    checksum: Tensor
    retrieval: float = math.nan

    def as_state(self) -> dict[str, Any]:
        """Return tensors and plain values, as `torch.load(…, weights_only=True)` reads them."""
        return {
            "backbone": asdict(self.backbone),
            "projector": asdict(self.projector),
            "features": self.features,
            "n_images": self.n_images,
            "n_views": self.n_views,
            "checksum": self.checksum,
            "retrieval": self.retrieval,
        }

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> Start:
        """Read what `as_state` gave."""
        return cls(
            EmbeddingStatistics(**state["backbone"]),
            EmbeddingStatistics(**state["projector"]),
            state["features"],
            state["n_images"],
            state["n_views"],
            state["checksum"],
            # Older checkpoints do not have it.
            state.get("retrieval", math.nan),
        )


def checksum(images: Tensor) -> Tensor:
    """Return a number for each image (n, …), float64.

    >>> checksum(torch.ones(2, 1, 3, 3)).tolist()
    [9.0, 9.0]
    """
    return images.detach().flatten(start_dim=1).cpu().to(torch.float64).sum(dim=1)
