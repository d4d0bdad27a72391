"""TiCo: the weight of the covariance contrast, its memory, and momentum."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.momentum import one_minus_momentum
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "rho": Float(
        1.0,
        100.0,
        default=8.0,
        log=True,
        unit="weight of the covariance contrast",
        source="8 in Lightly",
        collapses="0 halves the rank of z",
    ),
    "one_minus_beta": Float(
        0.01,
        0.5,
        default=0.1,
        log=True,
        unit="1 - memory of the covariance",
        source="0.9 in Lightly",
        most=1.0,
    ),
    "one_minus_momentum": one_minus_momentum(
        1e-3, 1e-1, default=1e-2, source="0.99 in Lightly's ImageNet script"
    ),
    "projector_width": PROJECTOR_WIDTH,
}
