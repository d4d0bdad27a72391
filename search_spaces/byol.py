"""BYOL: how slowly the momentum copy follows."""

from __future__ import annotations

from search_spaces.space import Dimension, Float

DIMENSIONS: dict[str, Dimension] = {
    "one_minus_momentum": Float(
        1e-3,
        1e-1,
        default=1e-2,
        log=True,
        unit="1 - momentum at the start",
        source="0.99 to 0.9996 in BYOL, MoCo v3 and solo-learn",
    ),
}
