"""The length of a queue of past embeddings: MoCo v2, NNCLR."""

from __future__ import annotations

from search_spaces.dimensions import Categorical

QUEUE = Categorical(
    (256, 1024, 4096, 16384),
    default=1024,
    unit="embeddings kept",
    source="65536 on ImageNet, 4096 to 65536 on CIFAR-10",
    collapses="longer than the data: keys are more than an epoch old",
    share_of_images=0.25,
)
