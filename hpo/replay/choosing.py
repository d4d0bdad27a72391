"""Which trial a replayed study chooses, and what that costs against the best one recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hpo.goldilocks import (
    Candidate,
    Choice,
    Run,
    choose,
    eligible,
    finalists,
    shortlist,
    shortlist_size,
)
from hpo.history import Reading
from hpo.pruning.zone import EVERYWHERE, Zone
from hpo.replay.recording import Recording
from hpo.replay.replaying import End, Replay

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class ChoiceSettings:
    """How a study chooses.

    Args:
        objective: name of the measure that is optimised.
        direction: of its objective.
        labels: whether probes have a say.
        shortlist_share: share of the finished trials that is shortlisted, in (0, 1].
        least_moved: smallest distance from initialisation that may be chosen, in [0, 1].
        zone: where α should lie.
        n_finalists: the best few, whose replicates count where the study ran some.
    """

    objective: str
    direction: Direction
    labels: bool = False
    shortlist_share: float = 1 / 3
    least_moved: float = 0.1
    zone: Zone = EVERYWHERE
    n_finalists: int = 3


@dataclass(frozen=True)
class Regret:
    """How much worse a trial is than the best of the record.

    Args:
        value: at least 0; lower is better.
        unit: "probe accuracy" where the trial was probed, else the name of the objective.
        best: number of the best trial.
    """

    value: float
    unit: str
    best: int


def finished(recording: Recording, replay: Replay) -> list[Candidate]:
    """Return the trials that may be compared in a replay, measured at one and the same epoch.

    They are the finished ones. Where none finishes they are those that were alive at the highest
    rung. Trials of which the end is unknown are left out.
    """
    done = [
        number
        for number, record in recording.trials.items()
        if number not in replay.ends and record.end == "finished"
    ]
    if not done:
        alive = [n for n in replay.readings if not _is_dead(replay.ends.get(n))]
        highest = max((replay.readings[n][-1].epoch for n in alive), default=0)
        done = [n for n in alive if replay.readings[n][-1].epoch == highest]
    return [_candidate(replay.readings[number][-1]) for number in done]


def choice_of(
    recording: Recording,
    candidates: Sequence[Candidate],
    probed: Mapping[int, float],
    how: ChoiceSettings,
) -> tuple[tuple[int, ...], Choice | None]:
    """Choose as the study does, from what was recorded.

    With labels somebody within reach of the best probe is chosen, see `choose`; without labels, or
    where no candidate was probed, the best objective of the shortlist. Replicates that were
    recorded of a finalist count; others are not made up.

    Args:
        recording: the study, for its replicates and its number of labels.
        candidates: measured at one epoch.
        probed: probe accuracy in [0, 1] by number.
        how: the settings.

    Returns:
        The numbers that it was chosen from, and the choice; None where nothing may be chosen.
    """
    barred = eligible(candidates, least_moved=how.least_moved)
    listed = [c for c in candidates if c.number not in barred and c.number in probed]
    if not (how.labels and listed):
        numbers = shortlist(
            candidates,
            size=max(1, shortlist_size(len(candidates), share=how.shortlist_share)),
            direction=how.direction,
            least_moved=how.least_moved,
            zone=how.zone,
        ).numbers
        listed = [candidate for candidate in candidates if candidate.number in numbers]
    if not listed:
        return (), None
    accuracies = {c.number: probed[c.number] for c in listed if how.labels and c.number in probed}
    choice = choose(
        listed,
        direction=how.direction,
        objective=how.objective,
        probe_accuracy=accuracies,
        n_labelled=recording.n_labelled,
        runs=_runs(recording, listed, accuracies, how),
    )
    return tuple(c.number for c in listed), choice


def _runs(
    recording: Recording,
    listed: Sequence[Candidate],
    accuracies: Mapping[int, float],
    how: ChoiceSettings,
) -> dict[int, list[Run]] | None:
    """Each finalist's own run and those of its replicates; None where there are none."""
    best = finalists(
        listed,
        accuracies,
        n=how.n_finalists,
        direction=how.direction,
        n_labelled=recording.n_labelled,
    )
    again = {number: recording.replicates.get(number, ()) for number in best}
    if not any(again.values()):
        return None
    by_number, seen = {c.number: c.objective for c in listed}, recording.replicate_accuracies
    return {
        n: [
            Run(by_number[n], accuracies.get(n, math.nan)),
            *(Run(r.objective, seen.get(r.trial, math.nan)) for r in again[n]),
        ]
        for n in best
    }


def regret_of(
    number: int,
    candidates: Sequence[Candidate],
    probed: Mapping[int, float],
    how: ChoiceSettings,
) -> Regret | None:
    """Return how far a trial is behind the best finished one of the record.

    Args:
        number: the trial.
        candidates: the finished trials of the record.
        probed: all probe accuracies of the record, in [0, 1].
        how: names the objective and its direction.

    Returns:
        In probe accuracy where the trial was probed, else in the objective; None where it has
        neither.
    """
    known = {c.number: probed[c.number] for c in candidates if c.number in probed}
    if number in known:
        best = max(known, key=lambda n: (known[n], -n))
        return Regret(known[best] - known[number], "probe accuracy", best)
    values = {c.number: c.objective for c in candidates if math.isfinite(c.objective)}
    if number not in values:
        return None
    sign = 1.0 if how.direction == "maximize" else -1.0
    best = max(values, key=lambda n: (sign * values[n], -n))
    return Regret(sign * (values[best] - values[number]), how.objective, best)


def _candidate(reading: Reading) -> Candidate:
    return Candidate(
        reading.trial,
        reading.epoch,
        reading.objective,
        reading.values.get("alpha_req", math.nan),
        reading.values.get("moved", math.nan),
    )


def _is_dead(end: End | None) -> bool:
    return end is not None and end.kind in ("collapse", "error", "unknown")
