"""W-MSE: the width of the embeddings, and the sub-batches they are whitened in."""

from __future__ import annotations

from search_spaces.constraints import AtLeast, Constraint
from search_spaces.dimensions import Categorical, Dimension

DIMENSIONS: dict[str, Dimension] = {
    "embedding_dim": Categorical(
        (16, 32, 64),
        default=32,
        unit="features of z",
        source="64 in the paper and in solo-learn, for CIFAR-10",
        collapses="near half the sub-batch the whitening is noise, beyond it it fails",
    ),
    "whitening_size": Categorical(
        (32, 64, 128),
        default=128,
        unit="images of a sub-batch; a batch is a multiple of it",
        source="128 in the paper and in solo-learn, for CIFAR-10",
        held="it has to be twice embedding_dim and divide the batch",
    ),
}

CONSTRAINTS: tuple[Constraint, ...] = (AtLeast("whitening_size", 2, "embedding_dim"),)
