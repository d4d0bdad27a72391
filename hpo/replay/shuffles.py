"""How far compute and regret depend on the order in which the trials happened to come."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hpo.replay.arrival import check_whole, shuffled
from hpo.replay.comparison import Comparison
from hpo.replay.events import Event
from hpo.replay.recording import Recording


@dataclass(frozen=True)
class Spread:
    """A figure over many orders.

    Args:
        mean: of all.
        low: 5 % of the orders lie below.
        high: 5 % of the orders lie above.
        n: orders that have this figure.
    """

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Shuffles:
    """A replay over many orders of arrival.

    Args:
        n: orders.
        compute: share of the recorded epochs that was spent, in [0, 1].
        regret: of the choice, by unit.
        unchosen: orders in which nothing could be chosen.
    """

    n: int
    compute: Spread
    regret: dict[str, Spread]
    unchosen: int


def over_orders(
    recording: Recording,
    compared: Callable[[Iterable[Event]], Comparison],
    *,
    n: int,
    seed: int,
) -> Shuffles:
    """Replay a study in many random orders of its trials.

    Args:
        recording: of a study that was run without pruning.
        compared: replays events and sets them beside the record.
        n: orders, >= 1.
        seed: of the orders.

    Raises:
        ConfigError: when too much of the record was cut short to know.
    """
    check_whole(recording)
    rng = random.Random(seed)
    results = [compared(shuffled(recording, rng)) for _ in range(n)]
    regrets = [result.regret for result in results if result.regret is not None]
    units = sorted({regret.unit for regret in regrets})
    return Shuffles(
        n=n,
        compute=spread_of([1 - r.saved.epochs / max(r.recorded.epochs, 1e-9) for r in results]),
        regret={unit: spread_of([r.value for r in regrets if r.unit == unit]) for unit in units},
        unchosen=sum(result.chosen is None for result in results),
    )


def spread_of(figures: Sequence[float]) -> Spread:
    """Return mean and the 5 % and 95 % quantiles of at least one figure.

    >>> spread_of([1.0, 2.0, 3.0])
    Spread(mean=2.0, low=1.1, high=2.9, n=3)
    """
    if len(figures) == 1:
        return Spread(figures[0], figures[0], figures[0], 1)
    cuts = statistics.quantiles(figures, n=20, method="inclusive")
    return Spread(statistics.fmean(figures), cuts[0], cuts[-1], len(figures))
