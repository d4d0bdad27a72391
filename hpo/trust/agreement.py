"""How far measures agree with each other, which needs no label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hpo.trust.ranking import FEWEST_TRIALS, Floats


@dataclass(frozen=True)
class Agreement:
    """Kendall's τ-b between all pairs of measures.

    Args:
        measures: their names.
        tau: symmetric, in [-1, 1], by place; None where one is constant, or fewer than 3 trials
            have both.
        n: trials that were compared.
    """

    measures: tuple[str, ...]
    tau: tuple[tuple[float | None, ...], ...]
    n: int

    def of(self, measure: str) -> dict[str, float]:
        """Return how far the others agree with a measure, the most agreeing first."""
        row = self.tau[self.measures.index(measure)]
        known = {
            other: tau
            for other, tau in zip(self.measures, row, strict=True)
            if tau is not None and other != measure
        }
        return dict(sorted(known.items(), key=lambda item: (-item[1], item[0])))


def agreement(scores: Mapping[str, Floats]) -> Agreement:
    """Correlate all measures with each other by rank.

    Args:
        scores: by measure, shape (n_trials,), higher better; nan where a trial has none.

    >>> agreement({"a": np.array([1.0, 2.0, 3.0]), "b": np.array([3.0, 2.0, 1.0])}).tau
    ((1.0, -1.0), (-1.0, 1.0))
    """
    names = tuple(scores)
    n = len(next(iter(scores.values()), ()))
    table = np.array([scores[name] for name in names], dtype=float).reshape(len(names), n)
    known = np.isfinite(table).astype(float)
    filled = np.where(known > 0, table, 0.0)
    concordant = np.zeros((len(names), len(names)))
    ordered = np.zeros_like(concordant)  # [a, b]: pairs that a orders, of those that b knows too
    for trial in range(n):  # one at a time: all pairs at once may not fit in memory
        both = known[:, trial : trial + 1] * known
        signs = np.sign(filled[:, trial : trial + 1] - filled) * both
        concordant += signs @ signs.T
        ordered += np.abs(signs) @ both.T
    counts = known @ known.T
    size = np.sqrt(ordered * ordered.T)
    defined = (size > 0) & (counts >= FEWEST_TRIALS)
    tau = np.divide(concordant, size, out=np.zeros_like(size), where=defined)
    rows = tuple(
        tuple(float(t) if d else None for t, d in zip(row, ok, strict=True))
        for row, ok in zip(tau, defined, strict=True)
    )
    return Agreement(names, rows, n)
