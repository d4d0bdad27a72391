"""The few-shot probe: what a handful of labels a class is worth."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from hpo.probing.linear import fitted
from hpo.probing.split import Labels, ProbeSplit

SHOTS = (1, 5, 10)
_N_DRAWS = 5
_STRENGTH = 1.0  # too few labels to choose one by cross-validation


def few_shot_accuracies(
    features: Tensor, labels: Tensor, split: ProbeSplit, *, seed: int
) -> dict[int, float]:
    """Accuracy of linear probes fitted on 1, 5 and 10 labels a class of the fitting part.

    Each is the mean over 5 draws, tested on what else the fitting part holds; all of its images
    standardise the features, which takes no label. The draws depend on the labels and the seed
    alone, so that every backbone gets the same ones.

    Args:
        features: float32 (n, dim), of all the probe's images.
        labels: int64 (n,).
        split: of those images.
        seed: of the draws.

    Returns:
        Accuracy in [0, 1] by labels a class, higher is better; without those for which a class
        has too few images to draw from and to test on.
    """
    x, y = features.numpy()[split.fit], labels.numpy()[split.fit]
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2:
        return {}
    found = {}
    for shots in SHOTS:
        if counts.min() <= shots:
            continue
        source = np.random.default_rng([seed, shots])
        scores = []
        for _ in range(_N_DRAWS):
            drawn = _draw(y, shots, source)
            rest = np.setdiff1d(np.arange(len(y)), drawn)
            probe = fitted(x[drawn], y[drawn], _STRENGTH, like=x)
            scores.append(probe.score(x[rest], y[rest]))
        found[shots] = float(np.mean(scores))
    return found


def _draw(y: Labels, shots: int, source: np.random.Generator) -> Labels:
    """Draw so many positions of each class."""
    own = [source.choice(np.flatnonzero(y == c), shots, replace=False) for c in np.unique(y)]
    return np.sort(np.concatenate(own))
