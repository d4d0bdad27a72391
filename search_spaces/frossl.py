"""FroSSL: the weight of the invariance term."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "invariance": Float(
        0.1,
        10.0,
        default=1.0,
        log=True,
        unit="weight beside the two logarithms",
        source="1 in Lightly",
        collapses="100: every measure falls",
    ),
    "projector_width": PROJECTOR_WIDTH,
}
