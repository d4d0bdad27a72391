"""SimSiam: the bottleneck of the predictor."""

from __future__ import annotations

from search_spaces.dimensions import Categorical, Dimension
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "bottleneck_share": Categorical(
        (0.125, 0.25, 0.5),
        default=0.25,
        unit="hidden width of the predictor / width of z",
        source="512 of 2048 in the paper",
    ),
    "projector_width": PROJECTOR_WIDTH,
}
