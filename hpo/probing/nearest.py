"""The nearest-neighbour probe: what the features say with nothing fitted to them."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from hpo.probing.split import Labels, ProbeSplit, folds_of

_MOST_NEIGHBOURS = 20


def knn_accuracy(features: Tensor, labels: Tensor, split: ProbeSplit) -> float:
    """Accuracy of a vote of the nearest images by cosine, cross-validated in the fitting part.

    The vote is of 20 neighbours, or of so many as an average class has images where that is fewer:
    more would outvote the class itself.

    Args:
        features: float32 (n, dim), of all the probe's images.
        labels: int64 (n,).
        split: of those images.

    Returns:
        Mean accuracy over the folds of the linear probe, in [0, 1], higher is better; nan when
        there is but one image to fit on.

    Source:
        Wu et al. 2018 (CVPR), section 3.4; unweighted votes.
    """
    from sklearn.neighbors import KNeighborsClassifier

    x, y = features.numpy()[split.fit], labels.numpy()[split.fit]
    folds = folds_of(y)
    if not folds:
        return math.nan
    scores = [
        KNeighborsClassifier(n_neighbours(y[fit]), metric="cosine", algorithm="brute")
        .fit(x[fit], y[fit])
        .score(x[held], y[held])
        for fit, held in folds
    ]
    return float(np.mean(scores))


def n_neighbours(y: Labels) -> int:
    """How many neighbours vote among so many labelled images.

    >>> n_neighbours(np.arange(100) % 10), n_neighbours(np.arange(1000) % 10)
    (10, 20)
    """
    return max(1, min(_MOST_NEIGHBOURS, len(y) // len(np.unique(y))))
