"""How far an accuracy can be believed, and which trials cannot be told from the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr  # scipy.stats has it too, and takes four times as long to import

from hpo.accuracy_error import Floats, standard_error
from hpo.trust.ranking import LEVEL

_FINE = 1e-6
_GRID = np.linspace(-8.0, 8.0, 1601)  # of the normal distribution, for the integral below


@dataclass(frozen=True)
class TieBand:
    """The best by the probe, and who cannot be told from it.

    Args:
        best: numbers of the trials with the highest accuracy; several where it is the same.
        accuracy: theirs, in [0, 1].
        tied: numbers of the others that cannot be told from them, the best first.
        n_trials: that were compared.
        n_tested: images behind each accuracy.
        width_points: how far below the best the band reaches, in points of accuracy.
        seed_points: standard deviation of accuracy between seeds of one configuration, in points;
            None where no configuration was repeated and probed.
    """

    best: tuple[int, ...]
    accuracy: float
    tied: tuple[int, ...]
    n_trials: int
    n_tested: int
    width_points: float
    seed_points: float | None = None

    @property
    def numbers(self) -> frozenset[int]:
        """All in the band, the best among them."""
        return frozenset({*self.best, *self.tied})

    @property
    def everyone(self) -> bool:
        """Whether no trial can be told from the best."""
        return len(self.numbers) == self.n_trials


def tie_band(
    accuracies: Mapping[int, float], n_tested: int, *, seed_spread: float | None = None
) -> TieBand:
    """Say who cannot be told from the best: a_best − a_i ≤ c √( (e_best² + e_i²) / 2 ).

    c grows with the number of trials, for the best of many is the luckiest of many: it is such
    that the trial that is really the best is in the band in 95 of 100 studies. With two trials it
    is 2.33, with sixty 4.13.

    The errors are taken as independent. All trials are tested on the same images, so differences
    are surer than that: the band is at its widest, and who is outside is really worse. It speaks
    of other images; of other seeds only where configurations were repeated.

    Args:
        accuracies: finite, in [0, 1], by trial number; at least one.
        n_tested: images behind each.
        seed_spread: standard deviation between seeds, in the unit of accuracy.

    Source:
        Gupta, Technometrics 7 (1965): the subset that holds the best.

    >>> tie_band({0: 0.90, 1: 0.89, 2: 0.80}, 1000).tied
    (1,)
    """
    numbers = sorted(accuracies, key=lambda number: (-accuracies[number], number))
    values = np.array([accuracies[number] for number in numbers])
    factor = subset_factor(len(numbers))
    within = values[0] - values <= factor * _error(values, n_tested, seed_spread)
    best = tuple(n for n in numbers if accuracies[n] == values[0])
    band = tuple(n for n, inside in zip(numbers, within, strict=True) if inside)
    return TieBand(
        best=best,
        accuracy=float(values[0]),
        tied=tuple(n for n in band if n not in best),
        n_trials=len(numbers),
        n_tested=n_tested,
        width_points=100 * _width(float(values[0]), factor, n_tested, seed_spread),
        seed_points=None if seed_spread is None else 100 * seed_spread,
    )


def subset_factor(n_trials: int) -> float:
    """Return c with P(max_j z_j − z_1 ≤ c) = 0.95 for n independent standard normal z.

    Args:
        n_trials: n, >= 1.

    Returns:
        c = solution of ∫ Φ(z + c)^(n − 1) φ(z) dz = 0.95, at least 0; 0 for one trial.

    >>> round(subset_factor(2), 2)
    2.33
    """
    if n_trials == 1:
        return 0.0
    density = np.exp(-(_GRID**2) / 2)
    density /= density.sum()
    low, high = 0.0, 20.0
    while high - low > _FINE:
        middle = (low + high) / 2
        share = float(density @ ndtr(_GRID + middle) ** (n_trials - 1))
        low, high = (middle, high) if share < LEVEL else (low, middle)
    return high


def _error(values: Floats, n_tested: int, seed_spread: float | None) -> Floats:
    """Root mean square of the first value's error and each one's own."""
    errors = standard_error(values, n_tested, seed_spread)
    found: Floats = np.sqrt((errors[0] ** 2 + errors**2) / 2)
    return found


def _width(best: float, factor: float, n_tested: int, seed_spread: float | None) -> float:
    """Distance from the best to the lowest accuracy that is still tied with it, by halving."""
    inside, outside = 0.0, best
    while outside - inside > _FINE:
        middle = (inside + outside) / 2
        reach = factor * _error(np.array([best, best - middle]), n_tested, seed_spread)[1]
        inside, outside = (middle, outside) if middle <= reach else (inside, middle)
    return outside
