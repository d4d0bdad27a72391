"""The shortlist: which finished trials may be chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpo.errors import ConfigError
from hpo.goldilocks.candidate import Candidate, Direction, by_objective, eligible
from hpo.goldilocks.closeness import ALPHA_NOISE, by_closeness
from hpo.pruning.zone import EVERYWHERE, Zone

_EXPLORES_FROM_SIZE = 3
_ROUNDING = 1e-9  # 100 * 0.07 is 7.000000000000001


@dataclass(frozen=True)
class Shortlist:
    """Who may be chosen, who may not, and why.

    Args:
        numbers: shortlisted trials in the order of `by_closeness`, then those that explore.
        excluded: reason by trial for every other candidate.
        exploring: those of `numbers` that are listed although others are closer to the zone.
    """

    numbers: tuple[int, ...]
    excluded: Mapping[int, str]
    exploring: tuple[int, ...] = ()


def shortlist_size(n_candidates: int, *, share: float) -> int:
    """How many trials are shortlisted.

    Args:
        n_candidates: trials that may be chosen, >= 0.
        share: at most this share of them, rounded up, in (0, 1]: a filter has to filter.

    Returns:
        At least 1 where there is a candidate.

    >>> shortlist_size(9, share=1 / 3)
    3
    """
    if n_candidates == 0:
        return 0
    return max(1, math.ceil(n_candidates * share - _ROUNDING))


def shortlist(
    candidates: Sequence[Candidate],
    *,
    size: int,
    direction: Direction,
    least_moved: float,
    zone: Zone = EVERYWHERE,
    noise: float = ALPHA_NOISE,
    explore_share: float = 0.0,
) -> Shortlist:
    """Take the `size` eligible candidates whose α is closest to the zone.

    The order is that of `by_closeness`. Of three places or more, a share may go to exploration:
    to the best by the objective of those that would not be listed.

    Args:
        candidates: measured at one and the same epoch.
        size: how many, >= 1.
        direction: of the objective.
        least_moved: smallest distance from initialisation that may be chosen.
        zone: where α should lie; open at both ends, the objective alone decides.
        noise: α that differ by less than a step of this size count as equal.
        explore_share: share of the places for exploration, in [0, 1): at least one place where it
            is not 0, and never all.

    Returns:
        The shortlist; empty only when no candidate is eligible.

    Raises:
        ConfigError: for a size below 1.

    >>> near, far = Candidate(0, 9, 5.0, 1.1, 0.4), Candidate(1, 9, 9.0, 2.0, 0.4)
    >>> zone = Zone(0.8, 1.2)
    >>> shortlist([far, near], size=1, direction="maximize", least_moved=0.1, zone=zone).numbers
    (0,)
    """
    if size < 1:
        raise ConfigError(f"size: got {size}; wanted at least 1 trial on the shortlist.")
    excluded = eligible(candidates, least_moved=least_moved)
    may = [c for c in candidates if c.number not in excluded]
    ranked = by_closeness(may, zone=zone, direction=direction, noise=noise)
    n_exploring = min(_places_to_explore(size, explore_share), max(0, len(ranked) - size))
    closest, rest = ranked[: size - n_exploring], ranked[size - n_exploring :]
    exploring = by_objective(rest, direction)[:n_exploring]
    for place, candidate in enumerate(ranked, start=1):
        if candidate not in closest and candidate not in exploring:
            excluded[candidate.number] = (
                f"{_what(candidate, zone)} is place {place} of {len(ranked)}{_by(zone)}; "
                f"{size} shortlisted"
            )
    return Shortlist(
        tuple(c.number for c in [*closest, *exploring]),
        excluded,
        tuple(c.number for c in exploring),
    )


def _what(candidate: Candidate, zone: Zone) -> str:
    if zone == EVERYWHERE:
        return f"its objective, {candidate.objective:.4g},"
    return f"α {candidate.alpha:.2f}"


def _by(zone: Zone) -> str:
    return "" if zone == EVERYWHERE else f" by closeness to the zone {zone}"


def _places_to_explore(size: int, share: float) -> int:
    if size < _EXPLORES_FROM_SIZE or share == 0:
        return 0
    return max(1, math.floor(size * share + _ROUNDING))
