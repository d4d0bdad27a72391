"""Model-aware contrastive learning: the temperature and how far it moves."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "temperature": Float(
        0.05,
        1.0,
        default=0.1,
        log=True,
        unit="before it is adapted",
        source="0.1 in Lightly; SimCLR's range",
        collapses="0.01 ruins a run of SimCLR; far above 1 rank rises while accuracy does not",
    ),
    "alpha": Float(
        0.0,
        1.0,
        default=0.5,
        unit="share by which agreement raises the temperature",
        source="0.5 in Lightly; 0 is SimCLR",
        least=0.0,
        most=1.0,
    ),
    "projector_width": PROJECTOR_WIDTH,
}
