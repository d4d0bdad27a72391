"""SimCLR: the temperature."""

from __future__ import annotations

from search_spaces.space import Dimension, Float

DIMENSIONS: dict[str, Dimension] = {
    "temperature": Float(
        0.05,
        1.0,
        default=0.2,
        log=True,
        source="RankMe's grid 0.05 to 0.4; 0.1 and 0.5 in Lightly; 0.2 in solo-learn",
        collapses="0.01 ruins a run; far above 1 rank rises while accuracy does not",
    ),
}
