"""MMCR: the weight of the local objective, and momentum."""

from __future__ import annotations

from search_spaces.dimensions import Categorical, Dimension, Float, When
from search_spaces.momentum import one_minus_momentum
from search_spaces.projector import PROJECTOR_WIDTH
from search_spaces.view_counts import view_count

DIMENSIONS: dict[str, Dimension] = {
    "local_objective": Categorical(
        ("off", "on"),
        default="on",
        unit="whether the views of one image are kept compressed",
        source="on in Lightly",
    ),
    "lmda": Float(
        1e-4,
        0.1,
        default=5e-3,
        log=True,
        unit="weight of the local objective",
        source="0.005 in Lightly",
        when=When("local_objective", ("on",)),
    ),
    "one_minus_momentum": one_minus_momentum(
        1e-3, 1e-1, default=1e-2, source="0.996 in Lightly's example"
    ),
    "n_views": view_count(2, 16, default=8, source="8 in Lightly's example"),
    "projector_width": PROJECTOR_WIDTH,
}
