"""Which checkpoints a study keeps, pure: what goes on, what may still be chosen, and the best."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from hpo.goldilocks import Direction
from hpo.pruning.zone import EVERYWHERE, Zone
from hpo.retention.quota import over_quota

UNFINISHED = ("running", "interrupted", "waiting")  # states of trials that go on
_DEAD = ("collapsed", "failed")


@dataclass(frozen=True)
class Policy:
    """How much is kept.

    Args:
        keep: trials kept once the choice is made, the best by the objective, >= 1.
        direction: of the objective.
        zone: of α, by which trials were shortlisted.
        quota_bytes: of all checkpoints together; None for no limit.
    """

    keep: int
    direction: Direction
    zone: Zone = EVERYWHERE
    quota_bytes: int | None = None


@dataclass(frozen=True)
class StoredTrial:
    """What counts of a trial when its checkpoints are kept or deleted.

    Args:
        number: Optuna's number.
        state: as in `hpo.record.TrialRow`.
        epoch: last rung measured; 0 before the first.
        objective: there; nan before the first.
        alpha: α of the backbone there; nan when unknown.
        n_bytes: of its checkpoints; 0 when it has none.
        barred: why it can never be chosen; empty when it can.
        replicate: whether it repeats another trial under another seed.
        accuracy: of its probe, in [0, 1]; nan when it had none.
    """

    number: int
    state: str
    epoch: int
    objective: float
    alpha: float
    n_bytes: int
    barred: str = ""
    replicate: bool = False
    accuracy: float = math.nan


@dataclass(frozen=True)
class Verdict:
    """A trial whose checkpoints stay or go, and why."""

    number: int
    n_bytes: int
    reason: str


@dataclass(frozen=True)
class Retention:
    """What stays and what goes, each by ascending number; trials without a file are in neither."""

    keep: tuple[Verdict, ...]
    delete: tuple[Verdict, ...]


def retained(
    trials: Sequence[StoredTrial],
    policy: Policy,
    *,
    chosen: int | None = None,
    shortlisted: Collection[int] = (),
    choosing: bool = True,
) -> Retention:
    """Decide whose checkpoints stay.

    The rule, in this order:

    1. Whoever is running, interrupted or waiting goes on from its checkpoints: they stay, and so
       does the chosen one.
    2. Collapsed and failed trials, trials never measured, and trials barred from the choice go.
    3. Only the finished may be chosen; while none has finished, those that were stopped at the
       highest rung. All others go.
    4. Until the choice is made every finished trial stays, whatever its objective: the shortlist
       may go by α, and a zone that is learned may still move. Its replicates stay too, and go
       afterwards.
    5. Afterwards these stay: the shortlist, the best `keep` by the objective and by their probes,
       and whoever no other trial beats both in closeness to the zone and in the objective. A search
       that goes on later has a longer shortlist, cut elsewhere; but wherever it is cut, its best by
       the objective is one of those, so nothing that could be chosen without labels is gone.
       Passed-over trials that were never probed can no longer be: only a probe could have told.
    6. Over the quota the worst by the objective go first, but never those of 1, and until the
       choice is made never the best by the objective.

    Args:
        trials: all of the study, those without a file too.
        policy: how much is kept.
        chosen: number of the chosen trial, if there is one.
        shortlisted: numbers of the trials it was chosen from.
        choosing: whether a choice is still to be made.

    Returns:
        What stays and what goes. Asked again after the deletion, nothing more goes.

    Raises:
        ConfigError: when the quota is too small for what must stay.

    >>> first, second = (StoredTrial(n, "finished", 9, 5.0 - n, 1.0, 100) for n in range(2))
    >>> policy = Policy(keep=1, direction="maximize")
    >>> [gone.number for gone in retained([first, second], policy, choosing=False).delete]
    [1]
    """
    needed = {t.number: "goes on from it" for t in trials if t.state in UNFINISHED}
    if chosen is not None:
        needed[chosen] = "the chosen one"
    useless = _never_chosen(trials)
    group = [t for t in _group(trials) if t.number not in useless]
    if choosing and any(t.state == "finished" for t in group):
        keep = {t.number: "may still be chosen" for t in group}
    else:
        keep = _best(group, policy, shortlisted)
    if choosing:
        keep |= _replicates(trials)
    keep |= needed
    if choosing:
        stored = [t for t in group if t.n_bytes > 0]
        best = min(stored, key=lambda t: _worth(t, policy), default=None)
        needed |= {} if best is None else {best.number: "the best so far"}
    kept = sorted((t for t in trials if t.number in keep), key=lambda t: _worth(t, policy))
    over = over_quota({t.number: t.n_bytes for t in kept}, needed, policy.quota_bytes)
    rest = _passed_over(trials, policy) | useless
    delete = {n: why for n, why in rest.items() if n not in keep} | over
    return Retention(
        _verdicts(trials, {n: why for n, why in keep.items() if n not in over}),
        _verdicts(trials, delete),
    )


def _never_chosen(trials: Iterable[StoredTrial]) -> dict[int, str]:
    """Why a trial's checkpoints are of no use whatever the others are, where they are not."""
    reasons = {}
    for trial in trials:
        if trial.state in _DEAD:
            reasons[trial.number] = trial.state
        elif trial.state not in UNFINISHED and trial.epoch == 0:
            reasons[trial.number] = f"{trial.state} before it was measured"
        elif trial.state not in UNFINISHED and trial.barred:
            reasons[trial.number] = f"cannot be chosen: {trial.barred}"
        elif trial.state not in UNFINISHED and not math.isfinite(trial.objective):
            reasons[trial.number] = "cannot be chosen: its objective is undefined"
    return reasons


def _group(trials: Iterable[StoredTrial]) -> list[StoredTrial]:
    """The trials that a choice would compare: finished, or else stopped at the highest rung."""
    ended = [
        t for t in trials if not t.replicate and t.state not in UNFINISHED and t.state not in _DEAD
    ]
    finished = [t for t in ended if t.state == "finished"]
    highest = max((t.epoch for t in ended), default=0)
    return finished or [t for t in ended if t.epoch == highest]


def _worth(trial: StoredTrial, policy: Policy) -> tuple[float, int]:
    """Sorts the best by the objective first."""
    sign = -1.0 if policy.direction == "maximize" else 1.0
    known = math.isfinite(trial.objective)
    return (sign * trial.objective if known else math.inf, trial.number)


def _best(
    group: Sequence[StoredTrial], policy: Policy, shortlisted: Collection[int]
) -> dict[int, str]:
    stored = [t for t in group if t.n_bytes > 0]
    by_objective = sorted(stored, key=lambda t: _worth(t, policy))[: policy.keep]
    probed = [t for t in stored if math.isfinite(t.accuracy)]
    by_probe = sorted(probed, key=lambda t: (-t.accuracy, t.number))[: policy.keep]
    return {
        **{t.number: "no other is nearer to the zone and better" for t in _front(group, policy)},
        **{t.number: f"one of the best {policy.keep} by its probe" for t in by_probe},
        **{t.number: f"one of the best {policy.keep} by the objective" for t in by_objective},
        **{t.number: "shortlisted" for t in group if t.number in shortlisted},
    }


def _front(group: Sequence[StoredTrial], policy: Policy) -> list[StoredTrial]:
    """Trials that no other beats in closeness to the zone and in the objective at once."""

    def far(trial: StoredTrial) -> float:
        if policy.zone == EVERYWHERE:
            return 0.0
        distance = policy.zone.distance(trial.alpha)
        return math.inf if math.isnan(distance) else distance

    front: list[StoredTrial] = []
    for trial in sorted(group, key=lambda t: (far(t), *_worth(t, policy))):
        beaten = any(
            far(other) <= far(trial) and _worth(other, policy) < _worth(trial, policy)
            for other in front
        )
        if not beaten:
            front.append(trial)
    return front


def _replicates(trials: Iterable[StoredTrial]) -> dict[int, str]:
    return {
        t.number: "a replicate, until the choice is made"
        for t in trials
        if t.replicate and t.state == "finished"
    }


def _passed_over(trials: Sequence[StoredTrial], policy: Policy) -> dict[int, str]:
    """Why a trial goes that is not kept for a reason of its own; of all trials."""
    compared = sorted(_group(trials), key=lambda t: _worth(t, policy))
    others = any(t.state == "finished" for t in compared)
    reasons = {
        t.number: f"{t.state}, and others have finished"
        if others
        else f"{t.state} at epoch {t.epoch}; others came further"
        for t in trials
    }
    for place, trial in enumerate(compared, start=1):
        reasons[trial.number] = (
            f"place {place} of {len(compared)} by the objective; the best {policy.keep} stay"
        )
    return reasons | {
        t.number: "a replicate: only its measures count" for t in trials if t.replicate
    }


def _verdicts(trials: Iterable[StoredTrial], reasons: dict[int, str]) -> tuple[Verdict, ...]:
    return tuple(
        Verdict(t.number, t.n_bytes, reasons[t.number])
        for t in sorted(trials, key=lambda t: t.number)
        if t.number in reasons and t.n_bytes > 0
    )
