"""VISReg: the weight of the regulariser."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.projector import PROJECTOR_WIDTH
from search_spaces.view_counts import N_LOCAL, view_count

DIMENSIONS: dict[str, Dimension] = {
    "lambda_param": Float(
        0.3,
        0.99,
        default=0.9,
        unit="share of the regulariser in the loss",
        source="0.9 in Lightly",
    ),
    "n_global": view_count(2, 6, default=4, unit="global views", source="4 in Lightly's example"),
    "n_local": N_LOCAL,
    "projector_width": PROJECTOR_WIDTH,
}
