"""MoCo v3: temperature, and how slowly the momentum copy follows."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.momentum import one_minus_momentum
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "temperature": Float(
        0.05, 0.5, default=0.2, log=True, source="0.2 in solo-learn and for the paper's ViT"
    ),
    "one_minus_momentum": one_minus_momentum(
        1e-3, 1e-1, default=1e-2, source="0.99 in the paper and in solo-learn"
    ),
    "projector_width": PROJECTOR_WIDTH,
}
