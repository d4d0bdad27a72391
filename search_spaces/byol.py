"""BYOL: how slowly the momentum copy follows."""

from __future__ import annotations

from search_spaces.dimensions import Dimension
from search_spaces.momentum import one_minus_momentum
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "one_minus_momentum": one_minus_momentum(
        1e-3, 1e-1, default=1e-2, source="0.99 to 0.9996 in BYOL, MoCo v3 and solo-learn"
    ),
    "projector_width": PROJECTOR_WIDTH,
}
