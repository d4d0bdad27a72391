"""LeJEPA: the weight of the Gaussian regulariser."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.projector import PROJECTOR_WIDTH
from search_spaces.view_counts import N_LOCAL

DIMENSIONS: dict[str, Dimension] = {
    "lambda_param": Float(
        0.005,
        0.5,
        default=0.05,
        log=True,
        unit="share of the regulariser in the loss",
        source="0.05 in the paper and in Lightly",
        collapses="0: rank of z rises while accuracy falls; 0.9: rank and accuracy fall",
        most=1.0,
    ),
    "n_local": N_LOCAL,
    "projector_width": PROJECTOR_WIDTH,
}
