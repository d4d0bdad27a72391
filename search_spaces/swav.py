"""SwAV: temperature, sharpness of the assignments, and prototypes."""

from __future__ import annotations

from search_spaces.dimensions import Categorical, Dimension, Float
from search_spaces.projector import PROJECTOR_WIDTH
from search_spaces.view_counts import N_LOCAL

DIMENSIONS: dict[str, Dimension] = {
    "temperature": Float(
        0.05,
        0.5,
        default=0.1,
        log=True,
        source="0.1 in the paper, in Lightly and in solo-learn",
        collapses="10 is bad while rank is highest",
    ),
    "epsilon": Float(
        0.01,
        0.2,
        default=0.05,
        log=True,
        unit="of the Sinkhorn assignments; smaller is sharper",
        source="0.05 in the paper and in Lightly",
        collapses="1: all assignments alike, LiDAR rises",
    ),
    "prototypes": Categorical(
        (64, 512, 3000),
        default=512,
        unit="prototypes",
        source="3000 in the paper, 512 in Lightly's CIFAR-10 benchmark",
    ),
    "n_local": N_LOCAL,
    "projector_width": PROJECTOR_WIDTH,
}
