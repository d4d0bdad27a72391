"""Barlow Twins: the weight of the redundancy term."""

from __future__ import annotations

from search_spaces.space import Dimension, Float

DIMENSIONS: dict[str, Dimension] = {
    "lambda_param": Float(
        5e-4,
        5e-2,
        default=5e-3,
        log=True,
        source="α-ReQ's grid 0.001 to 0.5; 0.005 in the paper",
        collapses="0 to 1e-4: dimensional collapse; 0.1 and more: over-invariant",
    ),
}
