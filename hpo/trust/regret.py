"""What a pick costs: how far below the best it is by the probe, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hpo.accuracy_error import Floats, standard_error
from hpo.errors import ConfigError
from hpo.trust.noise import TieBand, tie_band
from hpo.trust.ranking import LEVEL

_N_DRAWS = 2000


@dataclass(frozen=True)
class Pick:
    """A trial that something picked, as the probe sees it.

    Args:
        numbers: of the trial; several where they share the first place, and then all figures are
            means over them.
        accuracy: in [0, 1].
        regret_points: how far below the best, in points of accuracy; at least 0, lower is better.
        low: end of the 95 % interval that the probe's noise leaves.
        high: the other end.
        tied: whether it cannot be told from the best.
    """

    numbers: tuple[int, ...]
    accuracy: float
    regret_points: float
    low: float
    high: float
    tied: bool


@dataclass(frozen=True)
class Regrets:
    """Trials that were probed, as a field on which picks are judged.

    Args:
        accuracies: finite, in [0, 1], by trial number; at least one. The best of them is what
            picks are held against, whether or not it could have been picked.
        n_tested: images behind each.
        seed_spread: standard deviation of accuracy between seeds; None where nobody knows.
        seed: of the draws that the intervals are from.
    """

    accuracies: Mapping[int, float]
    n_tested: int
    seed_spread: float | None = None
    seed: int = 0

    @cached_property
    def band(self) -> TieBand:
        """Who cannot be told from the best."""
        return tie_band(self.accuracies, self.n_tested, seed_spread=self.seed_spread)

    def of(self, numbers: Sequence[int]) -> Pick:
        """Judge a pick.

        The interval is that of max_j a_j − a_pick over draws of each a_i from a normal
        distribution about what was measured, with its standard error. It begins at 0 for a pick
        that cannot be told from the best, and always holds the regret itself.

        Args:
            numbers: of the picked; several that share the first place count equally.

        Raises:
            ConfigError: for no number, or one that was not probed.

        >>> pick = Regrets({0: 0.9, 1: 0.7}, 500).of([1])
        >>> round(pick.regret_points, 6), pick.tied, pick.low > 10
        (20.0, False, True)
        """
        unknown = [n for n in numbers if n not in self.accuracies]
        if unknown or not numbers:
            raise ConfigError(f"numbers: got {list(numbers)}, wanted probed trials, one at least.")
        accuracy = float(np.mean([self.accuracies[n] for n in numbers]))
        regret = max(0.0, 100 * (self.band.accuracy - accuracy))
        places = [list(self.accuracies).index(n) for n in numbers]
        best, drawn = self._draws
        points = 100 * (best - drawn[:, places].mean(axis=1))
        low, high = np.quantile(points, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        tied = self.band.numbers.issuperset(numbers)
        return Pick(
            numbers=tuple(sorted(numbers)),
            accuracy=accuracy,
            regret_points=regret,
            low=0.0 if tied else min(float(low), regret),
            high=max(float(high), regret),
            tied=tied,
        )

    def of_random(self, numbers: Sequence[int]) -> float:
        """Return the mean regret, in points, of picking one of some trials blindly."""
        return 100 * (self.band.accuracy - float(np.mean([self.accuracies[n] for n in numbers])))

    @cached_property
    def _draws(self) -> tuple[Floats, Floats]:
        """The best of each draw, and the draws (n_draws, n_trials)."""
        values = np.array(list(self.accuracies.values()), dtype=float)
        errors = standard_error(values, self.n_tested, self.seed_spread)
        rng = np.random.default_rng([self.seed, len(values)])
        drawn: Floats = values + errors * rng.standard_normal((_N_DRAWS, len(values)))
        return drawn.max(axis=1), drawn
