"""A rank correlation that may be shown: never nan, and never surer than its few trials allow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hpo.trust.ranking import FEWEST_TRIALS, N_RESAMPLES, Correlation, Floats, tau_and_rho

FEW = 8
"""Below so many trials no order is confirmed or denied, whatever the figures look like."""

_Z = 1.959963984540054  # of the normal distribution, for 95 %
_MOST_CELLS = 4e7  # resamples times trials squared: what takes a good second
_FEWEST_RESAMPLES = 100


@dataclass(frozen=True)
class Estimate:
    """A rank correlation with its interval.

    Args:
        value: in [-1, 1], higher is better; None where it is undefined.
        low: end of the 95 % interval; None where there is no interval.
        high: the other end.
        n: trials that it is over.
        undefined: why there is no value; empty where there is one.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    undefined: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a value over enough trials to say something by it."""
        return self.value is not None and self.n >= FEW


def estimates(
    scores: Floats, accuracies: Floats, *, seed: int = 0, n_resamples: int = N_RESAMPLES
) -> tuple[Estimate, Estimate]:
    """Correlate scores with accuracies by rank, with intervals that hold for few trials too.

    The interval is the percentile interval of `tau_and_rho`, and no narrower than the normal one
    of Fisher's z: tanh(artanh τ ± 1.96 · √(0.437 / (n − 4))), and √((1 + ρ²/2) / (n − 3)) for ρ.
    Alone, the former says "1 to 1" of 5 trials in the right order, for every resample of them is
    in the right order. For the latter a perfect order counts as one with a single pair exchanged.
    With fewer than 5 trials (4 for ρ) the interval is all of [-1, 1].

    Args:
        scores: shape (n,), higher better; trials without a finite one are left out.
        accuracies: shape (n,), likewise.
        seed: of the resamples.
        n_resamples: how many, at most; fewer of more than 200 trials, at least 100.

    Returns:
        Kendall's τ-b and Spearman's ρ.

    Source:
        Fieller, Hartley and Pearson, Biometrika 44 (1957) for τ; Bonett and Wright, Psychometrika
        65 (2000) for ρ.

    >>> tau, rho = estimates(np.arange(5.0), np.arange(5.0))
    >>> tau.value, round(tau.low, 2), tau.high
    (1.0, -0.19, 1.0)
    >>> estimates(np.ones(4), np.arange(4.0))[0].undefined
    'all 4 scores are equal'
    """
    known = np.isfinite(scores) & np.isfinite(accuracies)
    x, y, n = scores[known], accuracies[known], int(known.sum())
    why = _undefined(x, y, n)
    if why:
        nothing = Estimate(None, None, None, n, why)
        return nothing, nothing
    n_resamples = min(n_resamples, max(_FEWEST_RESAMPLES, int(_MOST_CELLS / n**2)))
    tau, rho = tau_and_rho(x, y, seed=seed, n_resamples=n_resamples)
    return _widened(tau, _error_of_tau), _widened(rho, _error_of_rho)


def _undefined(x: Floats, y: Floats, n: int) -> str:
    if n < FEWEST_TRIALS:
        return f"{n} trial{'' if n == 1 else 's'}, at least {FEWEST_TRIALS} wanted"
    if np.ptp(x) == 0:
        return f"all {n} scores are equal"
    return f"all {n} accuracies are equal" if np.ptp(y) == 0 else ""


def _widened(found: Correlation, error: Callable[[float, int], float]) -> Estimate:
    value, n = found.value, found.n
    one_pair = 1.0 - 4.0 / (n * (n - 1))
    centre = min(max(value, -one_pair), one_pair)
    half = _Z * error(centre, n)
    low, high = (math.tanh(math.atanh(centre) + sign * half) for sign in (-1, 1))
    ends = [low, high, value]
    ends += [end for end in (found.low, found.high) if math.isfinite(end)]
    return Estimate(value, min(ends), max(ends), n)


def _error_of_tau(value: float, n: int) -> float:
    return math.sqrt(0.437 / (n - 4)) if n > 4 else math.inf


def _error_of_rho(value: float, n: int) -> float:
    return math.sqrt((1 + value**2 / 2) / (n - 3)) if n > 3 else math.inf
