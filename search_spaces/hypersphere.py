"""Alignment and uniformity: the weight of uniformity."""

from __future__ import annotations

from search_spaces.dimensions import Categorical, Dimension, Float
from search_spaces.projector import PROJECTOR_WIDTH

_DEFINES = "it says what uniform means, and the measure of uniformity has its own"

DIMENSIONS: dict[str, Dimension] = {
    "lam": Float(
        0.1,
        10.0,
        default=1.0,
        log=True,
        unit="weight of uniformity beside alignment",
        source="1 in the paper and in Lightly",
        collapses="0: alignment alone, everything shrinks to few directions",
    ),
    "t": Float(
        0.5,
        8.0,
        default=1.0,
        log=True,
        unit="1 / squared distance",
        source="2 in the paper, 1 in Lightly",
        held=_DEFINES,
    ),
    "alpha": Categorical(
        (1, 2),
        default=2,
        unit="power of the distance",
        source="1 and 2 in the paper, 2 in Lightly",
        held=_DEFINES,
    ),
    "projector_width": PROJECTOR_WIDTH,
}
