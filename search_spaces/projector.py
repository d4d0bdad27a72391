"""The width of the embeddings, which every method with a projector has."""

from __future__ import annotations

from search_spaces.dimensions import Categorical

PROJECTOR_WIDTH = Categorical(
    ("auto", 64, 128, 256, 512, 1024, 2048),
    default="auto",
    unit="features of z",
    source="auto: the method's own rule for the width of the backbone",
    held="every rank measure grows with it, so a search would simply widen it",
)
