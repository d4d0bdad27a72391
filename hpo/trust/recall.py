"""How many of the best by the probe a measure puts among its own best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpo.trust.ranking import Floats

TOP = (1, 3, 5)


@dataclass(frozen=True)
class Recall:
    """Top-k recall.

    Args:
        k: how many are taken from either side.
        share: of the k best by accuracy, those among the k best by score, in [0, 1].
        chance: what an order at random gets on average: k / n.
    """

    k: int
    share: float
    chance: float


def top_recalls(scores: Floats, accuracies: Floats, ks: Sequence[int] = TOP) -> tuple[Recall, ...]:
    """Return the recall for each k that is smaller than the number of trials.

    Of trials that share the last place, each gets its equal share of the places that are left:
    the mean over all ways to break the ties of both sides.

    Args:
        scores: shape (n,), higher better; trials without a finite one count as never found.
        accuracies: finite, shape (n,).
        ks: how many are taken, each >= 1.

    >>> top_recalls(np.array([3.0, 2.0, 1.0, 0.0]), np.array([0.9, 0.7, 0.8, 0.6]), (2, 4))
    (Recall(k=2, share=0.5, chance=0.5),)
    """
    n = len(scores)
    return tuple(
        Recall(k, float(_places(scores, k) @ _places(accuracies, k)) / k, k / n)
        for k in ks
        if k < n
    )


def _places(values: Floats, k: int) -> Floats:
    """Probability of each to be among the k highest when ties are broken at random."""
    known = np.where(np.isfinite(values), values, -np.inf)
    last = np.sort(known)[-k]
    above, at = known > last, known == last
    if last == -np.inf:
        at = np.zeros_like(above)  # nobody who is unknown gets a place that is left
    shared: Floats = above + at * ((k - above.sum()) / max(at.sum(), 1))
    return shared
