"""What a configuration was worth under each seed, and how far the seeds differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class Run:
    """One training of a finalist's configuration: its own, or a replicate under another seed.

    Args:
        objective: at its last rung; nan where it is undefined.
        accuracy: of its probe, in [0, 1]; nan where it was not probed.
    """

    objective: float
    accuracy: float = math.nan


def seed_spread(runs: Mapping[int, Sequence[float]]) -> float | None:
    """Pool the standard deviations between seeds over configurations.

        √( Σ_c Σ_s (x_cs − x̄_c)² / Σ_c (n_c − 1) )

    Args:
        runs: finite values of each configuration, one a seed.

    Returns:
        At least 0, in the unit of the values; None when no configuration has two.

    >>> seed_spread({0: [1.0, 3.0], 1: [5.0, 5.0], 2: [9.0]})
    1.0
    """
    repeated = [own for own in runs.values() if len(own) > 1]
    if not repeated:
        return None
    squares = math.fsum((x - fmean(own)) ** 2 for own in repeated for x in own)
    return math.sqrt(squares / sum(len(own) - 1 for own in repeated))


def finite(values: Iterable[float]) -> list[float]:
    """Return those that are defined."""
    return [value for value in values if math.isfinite(value)]
