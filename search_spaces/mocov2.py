"""MoCo v2: temperature, how slowly the momentum copy follows, and the queue."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.momentum import one_minus_momentum
from search_spaces.projector import PROJECTOR_WIDTH
from search_spaces.queues import QUEUE

DIMENSIONS: dict[str, Dimension] = {
    "temperature": Float(
        0.05,
        0.5,
        default=0.2,
        log=True,
        source="0.2 in the paper and in solo-learn; 0.1 in Lightly's CIFAR-10 benchmark",
    ),
    "one_minus_momentum": one_minus_momentum(
        1e-3,
        5e-2,
        default=1e-2,
        source="0.999 in the paper, 0.99 in Lightly's CIFAR-10 benchmark and in solo-learn",
    ),
    "queue": QUEUE,
    "projector_width": PROJECTOR_WIDTH,
}
