"""NNCLR: the temperature, and the queue that neighbours come from."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.projector import PROJECTOR_WIDTH
from search_spaces.queues import QUEUE

DIMENSIONS: dict[str, Dimension] = {
    "temperature": Float(
        0.05,
        0.5,
        default=0.1,
        log=True,
        source="0.1 in the paper, 0.2 in solo-learn, 0.5 in Lightly's CIFAR-10 benchmark",
    ),
    "queue": QUEUE,
    "projector_width": PROJECTOR_WIDTH,
}
