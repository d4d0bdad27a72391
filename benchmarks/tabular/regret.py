"""What choosing by a score costs: regret of the pick, at full search and among a few trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo.trust.ranking import Floats, below

N_SUBSETS = 1000
SEARCHES = (8, 16, 32)
_WITHIN_POINTS = 1.0


@dataclass(frozen=True)
class Regret:
    """Regret in points of accuracy over many searches, against the best trial of each.

    Args:
        mean: expected regret.
        worst: largest of the searches.
        within_one: share of the searches that land within one point.
        nothing: share in which no trial could be chosen; the untrained network stands in.
    """

    mean: float
    worst: float
    within_one: float
    nothing: float


@dataclass(frozen=True)
class Searches:
    """Random searches of one length within a cell.

    Args:
        members: bool (n_searches, n): which trials with an accuracy each search trained.
        accuracies: shape (n,), in [0, 1].
        fallback: accuracy of the untrained network.
    """

    members: NDArray[np.bool_]
    accuracies: Floats
    fallback: float

    @property
    def best(self) -> Floats:
        """Accuracy of the best trial of each search, whether or not it may be chosen."""
        inside = np.where(self.members, self.accuracies[None, :], -np.inf)
        best = inside.max(axis=1)
        return np.where(np.isfinite(best), best, self.fallback)

    def regret(self, scores: Floats, competing: NDArray[np.bool_]) -> Regret:
        """Return the regret of picking each search's highest score.

        Equal scores share the pick. A trial without a finite score is never picked.

        Args:
            scores: shape (n,), or (n, n_votes) whose ranks within the search are averaged;
                higher better.
            competing: bool (n,): trials that may be chosen.
        """
        if scores.ndim == 1:
            competing = competing & np.isfinite(scores)
        allowed = self.members & competing[None, :]
        columns = scores[:, None] if scores.ndim == 1 else scores
        beaten: Floats = np.mean([below(column) for column in columns.T], axis=0)
        return self.regret_of(allowed.astype(float) @ beaten, competing)

    def regret_of(self, values: Floats, competing: NDArray[np.bool_]) -> Regret:
        """Return the same where each search scores its trials anew.

        Args:
            values: finite, shape (n_searches, n), higher better.
            competing: bool (n,): trials that may be chosen.
        """
        allowed = self.members & competing[None, :]
        points = 100 * (self.best - self._picked(values, allowed))
        return Regret(
            mean=float(points.mean()),
            worst=float(points.max()),
            within_one=float((points <= _WITHIN_POINTS + 1e-9).mean()),
            nothing=float((~allowed.any(axis=1)).mean()),
        )

    def _picked(self, values: Floats, allowed: NDArray[np.bool_]) -> Floats:
        """Expected accuracy of each search's pick."""
        inside = np.where(allowed, values, -np.inf)
        top = allowed & (inside >= inside.max(axis=1, keepdims=True) - 1e-9)
        count = top.sum(axis=1)
        total = (top * self.accuracies[None, :]).sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), self.fallback)


def draw_searches(
    accuracies: Floats,
    n_ended: int,
    length: int | None,
    *,
    fallback: float,
    seed: int,
    n_searches: int = N_SUBSETS,
) -> Searches | None:
    """Draw searches without replacement from all trials that ended, failed ones included.

    Args:
        accuracies: of the n trials that were trained to the end.
        n_ended: all trials, at least n; the others are drawn too, and worth nothing.
        length: trials of a search; None for one search of all.
        fallback: accuracy of the untrained network.
        seed: of the draw.
        n_searches: how many.

    Returns:
        The searches; None where there are fewer trials than a search needs.
    """
    n = len(accuracies)
    if length is None:
        return Searches(np.ones((1, n), dtype=bool), accuracies, fallback)
    if n_ended < length:
        return None
    rng = np.random.default_rng([seed, length, n_ended])
    order = rng.random((n_searches, n_ended)).argsort(axis=1)
    return Searches((order < length)[:, :n], accuracies, fallback)
