"""FastSiam: the bottleneck of the predictor; the target is the mean of several views."""

from __future__ import annotations

from search_spaces.dimensions import Categorical, Dimension
from search_spaces.projector import PROJECTOR_WIDTH
from search_spaces.view_counts import view_count

DIMENSIONS: dict[str, Dimension] = {
    "bottleneck_share": Categorical(
        (0.125, 0.25, 0.5),
        default=0.25,
        unit="hidden width of the predictor / width of z",
        source="512 of 2048 in the paper",
    ),
    "n_views": view_count(2, 8, default=4, source="4 in the paper and in Lightly; 2 is SimSiam"),
    "projector_width": PROJECTOR_WIDTH,
}
