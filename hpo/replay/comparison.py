"""What other settings would have done to a study: trials, compute, probes, choice and regret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hpo.goldilocks import Candidate, Choice, eligible
from hpo.replay.choosing import ChoiceSettings, Regret, choice_of, finished, regret_of
from hpo.replay.cost import NOTHING, Cost
from hpo.replay.recording import Recording, TrialRecord
from hpo.replay.replaying import End, Replay

Change = Literal["same", "sooner", "lost", "unknown"]


@dataclass(frozen=True)
class Fate:
    """A trial then and now.

    Args:
        trial: its number.
        change: "same"; "sooner", stopped before it was then; "lost", it finished then and does
            not now; "unknown", it goes on where its record ends.
        then: how it ended in the record.
        then_epoch: at which rung.
        now: how it ends in the replay.
        now_epoch: at which rung.
        reason: of its end in the replay; empty where that is the end of its record.
        saved: what it costs less than then; nothing where it is unknown.
        at_least: epochs that it costs more than then, at least: to its next rung.
    """

    trial: int
    change: Change
    then: str
    then_epoch: int
    now: str
    now_epoch: int
    reason: str = ""
    saved: Cost = NOTHING
    at_least: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """A study then and now.

    Args:
        fates: of every trial, by number.
        recorded: what training all trials cost.
        saved: of that, by trials that end sooner; what unknown ones cost more is not in it.
        extra_epochs: that the unknown ones cost more, at least.
        probes_then: trials that were probed.
        probes_now: of them, those whose training still comes to where it was probed.
        probe_seconds_saved: cost of the other probes.
        listed: numbers that the choice is made from.
        chosen: the choice now; None where nothing may be chosen.
        regret: of the choice, against the best of the record; None where it cannot be said.
        chosen_then: number of the recorded choice; None without one.
        regret_then: of the recorded choice.
        unprobed: trials that might be chosen but that no probe of the record speaks for, where
            others are chosen from by their probes.
    """

    fates: Mapping[int, Fate]
    recorded: Cost
    saved: Cost
    extra_epochs: float
    probes_then: int
    probes_now: int
    probe_seconds_saved: float
    listed: tuple[int, ...]
    chosen: Choice | None
    regret: Regret | None
    chosen_then: int | None = None
    regret_then: Regret | None = None
    unprobed: int = 0

    def count(self, change: Change) -> int:
        """Return how many trials changed so."""
        return sum(fate.change == change for fate in self.fates.values())


def compare(
    recording: Recording,
    then: Replay,
    now: Replay,
    how: ChoiceSettings,
    *,
    rungs: Sequence[int],
    chosen_then: int | None = None,
) -> Comparison:
    """Set a replay beside the record.

    Args:
        recording: the study.
        then: replay of the record under its own settings.
        now: replay under the new ones.
        how: the new settings of the choice; regret is in the unit of its objective.
        rungs: epochs of the study's rungs.
        chosen_then: number of the recorded choice.
    """
    fates = {
        number: _fate(record, now.ends.get(number), rungs)
        for number, record in recording.trials.items()
    }
    probed_then = {n: a for n, a in then.probed.items() if n in recording.trials}
    probes_now = {n for n in probed_then if n in now.probed}
    seconds = recording.probe_seconds
    best, last = finished(recording, then), finished(recording, now)
    listed, chosen = choice_of(recording, last, now.probed, how)
    return Comparison(
        fates=fates,
        recorded=sum((record.total for record in recording.trials.values()), NOTHING),
        saved=sum((fate.saved for fate in fates.values()), NOTHING),
        extra_epochs=sum(fate.at_least for fate in fates.values()),
        probes_then=len(probed_then),
        probes_now=len(probes_now),
        probe_seconds_saved=sum(seconds[n] for n in probed_then if n not in probes_now),
        listed=listed,
        chosen=chosen,
        regret=None if chosen is None else regret_of(chosen.number, best, probed_then, how),
        chosen_then=chosen_then,
        regret_then=None if chosen_then is None else regret_of(chosen_then, best, probed_then, how),
        unprobed=_unprobed(last, now.probed, how),
    )


def _unprobed(last: Sequence[Candidate], probed: Mapping[int, float], how: ChoiceSettings) -> int:
    barred = eligible(last, least_moved=how.least_moved)
    may = [c.number for c in last if c.number not in barred]
    n_probed = sum(number in probed for number in may)
    return len(may) - n_probed if how.labels and n_probed else 0


def _fate(record: TrialRecord, end: End | None, rungs: Sequence[int]) -> Fate:
    trial, then, last = record.number, record.end, record.last_epoch
    if end is None or end.given:
        return Fate(trial, "same", then, last, then, last, "" if end is None else end.reason)
    if end.kind == "unknown":
        following = [rung for rung in rungs if rung > end.epoch]
        more = max(0.0, min(following, default=end.epoch) - record.total.epochs)
        return Fate(trial, "unknown", then, last, "unknown", end.epoch, end.reason, at_least=more)
    saved = record.total - record.at_rung.get(end.epoch, NOTHING)
    if then == "finished":
        change: Change = "lost"
    else:
        change = "sooner" if saved.epochs > 0 else "same"
    return Fate(trial, change, then, last, end.kind, end.epoch, end.reason, saved)
