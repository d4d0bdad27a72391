"""DCL with weighted positive pairs: temperature and width of the weights."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "temperature": Float(
        0.05,
        1.0,
        default=0.1,
        log=True,
        source="0.1 in Lightly's benchmarks; SimCLR's range",
        collapses="0.01 ruins a run of SimCLR; far above 1 rank rises while accuracy does not",
    ),
    "sigma": Float(
        0.1,
        2.0,
        default=0.5,
        log=True,
        unit="of the weights of positive pairs",
        source="0.5 in the paper; when large it is DCL",
    ),
    "projector_width": PROJECTOR_WIDTH,
}
