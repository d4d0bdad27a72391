"""VICReg: invariance and covariance weights against a fixed variance weight."""

from __future__ import annotations

from search_spaces.space import Dimension, Float

DIMENSIONS: dict[str, Dimension] = {
    "sim": Float(
        2.0, 100.0, default=25.0, log=True, source="RankMe's grid 5 to 50; 25 in the paper"
    ),
    "cov": Float(
        0.1,
        30.0,
        default=1.0,
        log=True,
        source="RankMe's grid 0.3 to 16; 1 in the paper",
        collapses="0: dimensional collapse",
    ),
}

# Only the ratios of the three weights matter up to the learning rate, so one of them stays put.
FIXED: dict[str, float] = {"var": 25.0}
