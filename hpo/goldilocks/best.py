"""Probes for the best only, when the search is over: the other way than rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpo.errors import ConfigError
from hpo.goldilocks.candidate import Candidate, eligible
from hpo.goldilocks.closeness import by_closeness
from hpo.goldilocks.rounds import Round, RoundRules
from hpo.pruning.zone import EVERYWHERE


def probes_of_best(
    candidates: Sequence[Candidate],
    earlier: Sequence[Round],
    accuracies: Mapping[int, float],
    rules: RoundRules,
    *,
    best: int,
    affordable: int | None = None,
    unavailable: Mapping[int, str] | None = None,
) -> Round:
    """Decide which of the best finished trials have yet to be probed.

    The order is that of `by_closeness`: by the objective, or with a zone that was given by the
    distance to it first. A search that goes on later probes who has come among the best since.

    Args:
        candidates: all trials that finished, measured at one and the same epoch.
        earlier: the rounds before this one.
        accuracies: probe accuracy by number, of all candidates probed so far.
        rules: of the study; its batch and its quota are not used.
        best: how many of the best are probed, >= 1.
        affordable: probes that the reserve still pays for; None for no limit. One is probed in any
            case as long as there was none.
        unavailable: reason by number, for candidates that cannot be probed.

    Returns:
        The round; its `candidates` are those that no earlier round has seen.

    Raises:
        ConfigError: for `best` below 1.

    >>> four = [Candidate(i, 9, float(i), 1.0 + i, 0.4) for i in range(4)]
    >>> rules = RoundRules(batch=4, direction="maximize", least_moved=0.1)
    >>> probes_of_best(four, [], {2: 0.9}, rules, best=3).numbers
    (3, 1)
    """
    if best < 1:
        raise ConfigError(f"probe_best: got {best}; wanted at least 1 trial to probe.")
    zone = EVERYWHERE if rules.zone is None else rules.zone
    # Who was probed once and is gone since takes no place either: it cannot be chosen.
    excluded = {**(unavailable or {}), **eligible(candidates, least_moved=rules.least_moved)}
    ranked = by_closeness(
        [c for c in candidates if c.number not in excluded],
        zone=zone,
        direction=rules.direction,
        noise=rules.noise,
    )
    waiting = [c.number for c in ranked[:best] if c.number not in accuracies]
    at_least = 0 if accuracies else 1
    size = len(waiting) if affordable is None else max(at_least, affordable)
    for place, candidate in enumerate(ranked, start=1):
        if place > best and candidate.number not in accuracies:
            excluded[candidate.number] = (
                f"was not probed: place {place} of {len(ranked)}, the best {best} are"
            )
    for number in waiting[size:]:
        excluded[number] = f"was not probed: the probe reserve paid for {affordable} more"
    seen = {number for each in earlier for number in each.candidates}
    return Round(
        tuple(sorted(c.number for c in candidates if c.number not in seen)),
        tuple(waiting[:size]),
        excluded,
        zone,
        None,
        affordable,
        len(accuracies),
    )
