"""A trial that may be chosen, and why some never can."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Candidate:
    """A trial that reached its last rung alive, or the highest rung that any trial reached.

    Args:
        number: the trial's.
        epoch: where it was measured.
        objective: its objective there.
        alpha: α of its backbone there; nan when no power law could be fitted.
        moved: distance from initialisation there, in [0, 1].
    """

    number: int
    epoch: int
    objective: float
    alpha: float
    moved: float


def eligible(candidates: Sequence[Candidate], *, least_moved: float) -> dict[int, str]:
    """Return why a candidate can never be chosen, by number, for those that cannot.

    A network near its initialisation has the best-looking measures of all, so it is barred
    whatever they say.
    """
    reasons = {}
    for candidate in candidates:
        if not math.isfinite(candidate.objective):
            reasons[candidate.number] = "its objective is undefined"
        elif not candidate.moved >= least_moved:
            reasons[candidate.number] = (
                f"has not moved away from initialisation: distance {candidate.moved:.3f}, "
                f"at least {least_moved:g} wanted"
            )
    return reasons


def by_objective(candidates: Sequence[Candidate], direction: Direction) -> list[Candidate]:
    """Return the candidates, the best objective first; equal ones by their numbers."""
    sign = -1.0 if direction == "maximize" else 1.0
    return sorted(candidates, key=lambda c: (sign * c.objective, c.number))
