"""One round of the filter while the study runs: who of the newly finished is probed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from hpo.goldilocks.candidate import Candidate, Direction, by_objective, eligible
from hpo.goldilocks.closeness import ALPHA_NOISE, by_closeness
from hpo.goldilocks.listing import Shortlist
from hpo.goldilocks.quota import probe_quota
from hpo.pruning.zone import EVERYWHERE, Zone, explores, learn_zone


@dataclass(frozen=True)
class Round:
    """A round that was decided.

    Args:
        candidates: trials that finished since the round before.
        numbers: whom to probe, in this order.
        excluded: reason by number, for everybody else who was looked at.
        zone: the window of α that was open.
        quota: probes that the number of rounds allowed; None without a quota.
        affordable: probes that the reserve paid for; None without a limit.
        n_probed: trials probed before it.
    """

    candidates: tuple[int, ...]
    numbers: tuple[int, ...]
    excluded: Mapping[int, str]
    zone: Zone
    quota: int | None
    affordable: int | None
    n_probed: int

    def as_json(self) -> dict[str, Any]:
        """Return plain data as JSON can hold it; an open end of the window is None."""
        return {
            "candidates": list(self.candidates),
            "numbers": list(self.numbers),
            "excluded": {str(number): reason for number, reason in self.excluded.items()},
            "zone": [e if math.isfinite(e) else None for e in (self.zone.low, self.zone.high)],
            "quota": self.quota,
            "affordable": self.affordable,
            "n_probed": self.n_probed,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read what `as_json` returned."""
        low, high = record["zone"]
        return cls(
            tuple(record["candidates"]),
            tuple(record["numbers"]),
            {int(number): reason for number, reason in record["excluded"].items()},
            Zone(-math.inf if low is None else low, math.inf if high is None else high),
            record["quota"],
            record["affordable"],
            record["n_probed"],
        )


@dataclass(frozen=True)
class RoundRules:
    """What the rounds of a study go by.

    Args:
        batch: candidates M that make a round, >= 1.
        direction: of the objective.
        least_moved: smallest distance from initialisation that may be chosen.
        zone: a fixed window; None to learn it from the probes.
        filtered: whether there is a window and a quota; without them everybody that the reserve
            pays for is probed, M · H probes instead of M (ln H + 1).
        explore_share: share of trials that are probed wherever their α lies, in [0, 1).
        seed: of the exploration slots.
        noise: α that differ by less than a step of this size count as equal.
    """

    batch: int
    direction: Direction
    least_moved: float
    zone: Zone | None = None
    filtered: bool = True
    explore_share: float = 0.0
    seed: int = 0
    noise: float = ALPHA_NOISE


def next_round(
    candidates: Sequence[Candidate],
    earlier: Sequence[Round],
    accuracies: Mapping[int, float],
    rules: RoundRules,
    *,
    affordable: int | None = None,
    unavailable: Mapping[int, str] | None = None,
) -> Round:
    """Decide the next round.

    The window is open at both ends at first, as in the authors' simulation, and spans the winners
    among all probed once there are enough of them (`learn_zone`).

    Args:
        candidates: all trials that finished so far, measured at one and the same epoch.
        earlier: the rounds before this one.
        accuracies: probe accuracy by number, of all candidates probed so far.
        rules: of the study.
        affordable: probes that the reserve still pays for; None for no limit.
        unavailable: reason by number, for candidates that cannot be probed.

    Returns:
        The round; its `candidates` are those that no earlier round has seen.

    >>> four = [Candidate(i, 9, float(i), 1.0 + i, 0.4) for i in range(4)]
    >>> rules = RoundRules(batch=4, direction="maximize", least_moved=0.1)
    >>> next_round(four, [], {}, rules, affordable=3).numbers
    (3, 2, 1)
    """
    seen = {number for each in earlier for number in each.candidates}
    barred = {n: why for n, why in (unavailable or {}).items() if n not in accuracies}
    waiting = [c for c in candidates if c.number not in accuracies and c.number not in barred]
    zone, quota = _window(candidates, accuracies, rules), None
    if rules.filtered:
        # Probes of trials that are no candidates any more were spent all the same.
        quota = probe_quota(len(earlier) + 1, rules.batch, len(accuracies))
    listed = round_shortlist(
        [c for c in waiting if c.number not in seen],
        [c for c in waiting if c.number in seen],
        zone=zone,
        quota=quota,
        n_probed=len(accuracies),
        affordable=affordable,
        rules=rules,
    )
    return Round(
        tuple(sorted(c.number for c in candidates if c.number not in seen)),
        listed.numbers,
        {**listed.excluded, **barred},
        zone,
        quota,
        affordable,
        len(accuracies),
    )


def _window(
    candidates: Sequence[Candidate], accuracies: Mapping[int, float], rules: RoundRules
) -> Zone:
    if not rules.filtered:
        return EVERYWHERE
    if rules.zone is not None:
        return rules.zone
    evidence = [(c.alpha, accuracies[c.number]) for c in candidates if c.number in accuracies]
    return learn_zone(evidence, EVERYWHERE, noise=rules.noise)


def round_shortlist(
    new: Sequence[Candidate],
    passed_over: Sequence[Candidate] = (),
    *,
    zone: Zone,
    quota: int | None,
    n_probed: int,
    rules: RoundRules,
    affordable: int | None = None,
) -> Shortlist:
    """Take whom a round probes.

    Those of this round inside the window come first, the closest to the zone ahead, then those
    that earlier rounds passed over and that are inside now. Exploring trials get a place although
    they are outside. While nothing was ever probed, nobody is outside.

    Args:
        new: finished since the round before, not probed.
        passed_over: of earlier rounds, not probed.
        zone: the window.
        quota: probes that the number of rounds allows; None without a quota.
        n_probed: trials probed so far; as long as it is 0, one is probed whatever is affordable.
        rules: of the study.
        affordable: probes that the reserve still pays for; None for no limit.

    Returns:
        The shortlist; everybody else has a reason.
    """
    excluded = eligible([*new, *passed_over], least_moved=rules.least_moved)
    first = n_probed == 0
    limits = [limit for limit in (quota, affordable) if limit is not None]
    size = max(1 if first else 0, min(limits, default=len(new) + len(passed_over)))
    inside: list[Candidate] = []
    outside: list[Candidate] = []
    for group in (new, passed_over):
        may = [c for c in group if c.number not in excluded]
        ranked = by_closeness(may, zone=zone, direction=rules.direction, noise=rules.noise)
        for candidate in ranked:
            is_inside = first or zone == EVERYWHERE or zone.contains(candidate.alpha)
            (inside if is_inside else outside).append(candidate)
    exploring = [c for c in outside if explores(c.number, rules.explore_share, rules.seed)]
    taken = _places(inside, by_objective(exploring, rules.direction), size, rules.explore_share)
    for candidate in [*inside, *outside]:
        if candidate not in taken:
            barred_by_zone = candidate in outside and candidate not in exploring
            excluded[candidate.number] = f"α {candidate.alpha:.2f} " + (
                f"is outside the window {zone}" if barred_by_zone else _no_place(quota, affordable)
            )
    return Shortlist(
        tuple(c.number for c in taken),
        excluded,
        tuple(c.number for c in taken if c in exploring),
    )


def _places(
    inside: list[Candidate], exploring: list[Candidate], size: int, share: float
) -> list[Candidate]:
    """Give exploration its places, at least one of two, and more where nobody else wants them."""
    reserved = min(len(exploring), max(1, math.ceil(size * share))) if size > 1 else 0
    taken = inside[: size - reserved]
    return [*taken, *exploring[: size - len(taken)]]


def _no_place(quota: int | None, affordable: int | None) -> str:
    if affordable is not None and (quota is None or affordable < quota):
        return f"was not probed: the probe reserve paid for {affordable} more"
    return f"was not probed: the number of rounds allowed {quota} more"
