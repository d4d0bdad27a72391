"""The finalists: whose configurations are worth repeating under other seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hpo.errors import ConfigError
from hpo.goldilocks.candidate import Candidate, Direction, by_objective
from hpo.goldilocks.reach import reach_of


def finalists(
    candidates: Sequence[Candidate],
    accuracies: Mapping[int, float],
    *,
    n: int,
    direction: Direction,
    n_labelled: int | None = None,
) -> tuple[int, ...]:
    """Take the best few.

    Args:
        candidates: the shortlisted ones.
        accuracies: probe accuracy by number, of those that were probed; empty without labels.
        n: how many, >= 1.
        direction: of the objective.
        n_labelled: images behind each accuracy; None where that is unknown.

    Returns:
        Numbers, the best first. Where any was probed: those within reach of the best probe by the
        objective, then the others by their probes. Else all by the objective.

    Raises:
        ConfigError: for fewer than one, and for fewer than one image.

    >>> three = [Candidate(i, 9, float(i), 1.0, 0.4) for i in range(3)]
    >>> finalists(three, {}, n=2, direction="maximize")
    (2, 1)
    >>> finalists(three, {0: 0.9, 1: 0.8}, n=2, direction="maximize")
    (0, 1)
    >>> finalists(three, {0: 0.9, 1: 0.8}, n=2, direction="maximize", n_labelled=9)
    (1, 0)
    """
    if n < 1:
        raise ConfigError(f"finalists: got {n}; wanted at least 1.")
    known = {
        c.number: accuracies[c.number]
        for c in candidates
        if math.isfinite(accuracies.get(c.number, math.nan))
    }
    best = by_objective([c for c in candidates if c.number in known or not known], direction)
    if known:
        reach = reach_of(known, n_labelled).numbers
        rest = [c for c in best if c.number not in reach]
        best = [c for c in best if c.number in reach]
        best += sorted(rest, key=lambda c: (-known[c.number], c.number))
    return tuple(c.number for c in best[:n])
