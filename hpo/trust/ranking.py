"""How well a score orders trials: Kendall's τ-b and Spearman's ρ with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_RESAMPLES = 1000
LEVEL = 0.95
FEWEST_TRIALS = 3


@dataclass(frozen=True)
class Correlation:
    """A rank correlation and its interval.

    Args:
        value: in [-1, 1]; nan where either side is constant or fewer than 3 trials are known.
        low: end of the 95 % percentile interval over resampled trials.
        high: the other end.
        n: trials with a score.
    """

    value: float
    low: float
    high: float
    n: int


def tau_and_rho(
    scores: Floats, accuracies: Floats, *, seed: int = 0, n_resamples: int = N_RESAMPLES
) -> tuple[Correlation, Correlation]:
    """Correlate scores with accuracies by rank; trials without a finite value are left out.

    Args:
        scores: shape (n,), higher better.
        accuracies: shape (n,).
        seed: of the resamples, which depend on it and on the number of trials alone.
        n_resamples: how many; 0 for the values alone.

    Returns:
        Kendall's τ-b and Spearman's ρ. In a resample a trial drawn twice is tied with itself,
        which τ-b leaves out of both counts.

    Source:
        τ-b: Kendall, Biometrika 33 (1945); the percentile interval: Efron and Tibshirani, An
        Introduction to the Bootstrap (1993), chapter 13.

    >>> t, r = tau_and_rho(np.arange(4.0), np.array([0.0, 2.0, 1.0, 3.0]), n_resamples=10)
    >>> round(t.value, 6), round(r.value, 6)
    (0.666667, 0.8)
    """
    known = np.isfinite(scores) & np.isfinite(accuracies)
    x, y, n = scores[known], accuracies[known], int(known.sum())
    if n < FEWEST_TRIALS:
        nothing = Correlation(np.nan, np.nan, np.nan, n)
        return nothing, nothing
    weights = _weights(n, seed, n_resamples)
    return _with_interval(_tau(x, y, weights), n), _with_interval(_rho(x, y, weights), n)


def below(x: Floats) -> Floats:
    """Return who beats whom: [j, i] is 1 where x_j < x_i, ½ where equal; nan is below all.

    >>> below(np.array([1.0, 2.0, np.nan]))[:, 0]
    array([0.5, 0. , 1. ])
    """
    filled = np.where(np.isnan(x), -np.inf, x)
    lower = (filled[:, None] < filled[None, :]).astype(float)
    beats: Floats = lower + 0.5 * (filled[:, None] == filled[None, :])
    return beats


@lru_cache(maxsize=8)
def _weights(n: int, seed: int, n_resamples: int) -> Floats:
    """How often each trial is drawn: once in the first row, at random in the others."""
    rng = np.random.default_rng([seed, n])
    resamples = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples).astype(float)
    return np.vstack([np.ones(n), resamples])


def _tau(x: Floats, y: Floats, weights: Floats) -> Floats:
    """τ-b for each row of weights: Σ w_i w_j s_ij t_ij / √(Σ w_i w_j s_ij² · Σ w_i w_j t_ij²)."""
    s, t = np.sign(x[:, None] - x[None, :]), np.sign(y[:, None] - y[None, :])
    agree, of_x, of_y = (_quadratic(weights, m) for m in (s * t, np.abs(s), np.abs(t)))
    return _ratio(agree, np.sqrt(of_x * of_y))


def _rho(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson's correlation of mid-ranks for each row of weights."""
    ranks_x, ranks_y = weights @ below(x), weights @ below(y)
    total = weights.sum(axis=1, keepdims=True)
    a = ranks_x - (weights * ranks_x).sum(axis=1, keepdims=True) / total
    b = ranks_y - (weights * ranks_y).sum(axis=1, keepdims=True) / total
    spread = (weights * a * a).sum(axis=1) * (weights * b * b).sum(axis=1)
    return _ratio((weights * a * b).sum(axis=1), np.sqrt(spread))


def _quadratic(weights: Floats, matrix: Floats) -> Floats:
    found: Floats = ((weights @ matrix) * weights).sum(axis=1)
    return found


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    result = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 1e-12)
    return result


def _with_interval(values: Floats, n: int) -> Correlation:
    resampled = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or not len(resampled):
        return Correlation(float(values[0]), np.nan, np.nan, n)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Correlation(float(values[0]), float(low), float(high), n)
