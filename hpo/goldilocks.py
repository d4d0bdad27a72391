"""The Goldilocks filter, pure: which finished trials are shortlisted, and which one is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from objectives import GOLDILOCKS_ZONE, zone_distance

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


@dataclass(frozen=True)
class Shortlist:
    """Who may be chosen, who may not, and why.

    Args:
        numbers: shortlisted trials, the closest to the zone first.
        excluded: reason by trial for every other candidate.
    """

    numbers: tuple[int, ...]
    excluded: Mapping[int, str]


@dataclass(frozen=True)
class Choice:
    """The chosen trial and why it was chosen."""

    number: int
    reason: str


def shortlist_size(
    n_candidates: int,
    *,
    share: float,
    reserve_seconds: float | None = None,
    probe_seconds: float | None = None,
) -> int:
    """How many trials are shortlisted.

    Args:
        n_candidates: trials that may be chosen, >= 0.
        share: at most this share of them, rounded up, in (0, 1]: a filter has to filter.
        reserve_seconds: what the budget set aside for probing; None without a budget.
        probe_seconds: measured cost of one probe; None when nothing is probed.

    Returns:
        At least 1 where there is a candidate; otherwise what share and reserve allow.

    >>> shortlist_size(9, share=1 / 3)
    3
    >>> shortlist_size(9, share=1 / 3, reserve_seconds=10.0, probe_seconds=6.0)
    1
    """
    if n_candidates == 0:
        return 0
    size = math.ceil(n_candidates * share - 1e-9)
    if reserve_seconds is not None and probe_seconds is not None and probe_seconds > 0:
        size = min(size, math.floor(reserve_seconds / probe_seconds))
    return max(1, size)


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


def shortlist(
    candidates: Sequence[Candidate],
    *,
    size: int,
    direction: Direction,
    least_moved: float,
    zone: tuple[float, float] = GOLDILOCKS_ZONE,
) -> Shortlist:
    """Take the `size` eligible candidates whose α is closest to the zone.

    Order: distance to the zone, then |α - 1|, then the objective, then the number. A trial whose
    α could not be fitted comes after all others.

    Args:
        candidates: measured at one and the same epoch.
        size: how many, >= 1.
        direction: of the objective.
        least_moved: smallest distance from initialisation that may be chosen.
        zone: where α should lie.

    Returns:
        The shortlist; empty only when no candidate is eligible.

    Source:
        zone: control limits in the α-ReQ authors' code; α near 1: Agrawal et al. 2022 (NeurIPS).

    >>> near, far = Candidate(0, 9, 5.0, 1.1, 0.4), Candidate(1, 9, 9.0, 2.0, 0.4)
    >>> shortlist([far, near], size=1, direction="maximize", least_moved=0.1).numbers
    (0,)
    """
    excluded = eligible(candidates, least_moved=least_moved)
    sign = -1.0 if direction == "maximize" else 1.0

    def order(candidate: Candidate) -> tuple[float, float, float, int]:
        if math.isnan(candidate.alpha):
            return (math.inf, math.inf, sign * candidate.objective, candidate.number)
        return (
            zone_distance(candidate.alpha, zone),
            abs(candidate.alpha - 1.0),
            sign * candidate.objective,
            candidate.number,
        )

    ranked = sorted((c for c in candidates if c.number not in excluded), key=order)
    for place, candidate in enumerate(ranked[size:], start=size + 1):
        excluded[candidate.number] = (
            f"α {candidate.alpha:.2f} is place {place} of {len(ranked)} by closeness to the zone "
            f"[{zone[0]:g}, {zone[1]:g}]; {size} shortlisted"
        )
    return Shortlist(tuple(c.number for c in ranked[:size]), excluded)


def choose(
    listed: Sequence[Candidate],
    *,
    direction: Direction,
    objective: str,
    probe_accuracy: Mapping[int, float] | None = None,
) -> Choice:
    """Choose among the shortlisted: by probe accuracy where there is one, else by the objective.

    Args:
        listed: the shortlisted candidates, at least one.
        direction: of the objective.
        objective: its name, for the reason.
        probe_accuracy: cross-validated accuracy in [0, 1] by number, for those that were probed;
            None without labels, and those of trials that are not listed count for nothing.

    Returns:
        The choice. Equal values go to the lower number.

    >>> choose([Candidate(3, 9, 5.0, 1.1, 0.4)], direction="maximize", objective="rankme").number
    3
    """
    accuracy = probe_accuracy or {}
    probed = [c for c in listed if c.number in accuracy]
    if probed:
        best = max(probed, key=lambda c: (accuracy[c.number], -c.number))
        return Choice(
            best.number,
            f"best linear probe of the {len(probed)} probed: "
            f"{accuracy[best.number]:.3f} cross-validated accuracy",
        )
    sign = 1.0 if direction == "maximize" else -1.0
    best = max(listed, key=lambda c: (sign * c.objective, -c.number))
    how = "highest" if direction == "maximize" else "smallest"
    shown = objective if objective != "alpha_req" else "|α - 1|"
    return Choice(
        best.number, f"{how} {shown} of the {len(listed)} shortlisted: {best.objective:.4g}"
    )
