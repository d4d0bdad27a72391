"""DirectCLR: the temperature, and the share of the features that the loss sees."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float

DIMENSIONS: dict[str, Dimension] = {
    "temperature": Float(
        0.05,
        1.0,
        default=0.1,
        log=True,
        source="0.1 in the paper; SimCLR's range",
        collapses="0.01 ruins a run of SimCLR; far above 1 rank rises while accuracy does not",
    ),
    "loss_share": Float(
        0.05,
        0.75,
        default=0.2,
        log=True,
        unit="share of the features",
        source="360 of 2048 in the paper",
        collapses="1: the collapse that DirectCLR is against",
        most=1.0,
    ),
}
