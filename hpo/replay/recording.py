"""A study's storage as a recording: its events in order, and what each trial cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpo.decision import Decision
from hpo.errors import StorageError
from hpo.history import Reading
from hpo.ordering import DECISION, FINDING, ORDER, PROBE
from hpo.pruners import reading_of
from hpo.pruners.reading import REPLICATE
from hpo.record import RUNG
from hpo.replay.cost import NOTHING, Cost
from hpo.replay.events import BreakOff, Event, Probe, Report, Verdict

_GIVEN = ("budget", "error")
_ENDS = {TrialState.COMPLETE: "finished", TrialState.FAIL: "error"}


@dataclass(frozen=True)
class TrialRecord:
    """What is known of a trial beside its events.

    Args:
        number: Optuna's.
        end: how it ended: "finished", "collapse", "zone", "halving", "budget", "error", "pruned"
            for a reason that was not recorded, or "unfinished".
        at_rung: cost of reaching each rung it was measured at, from its beginning, by epoch.
        total: cost of all it trained; work that a kill lost counts only in a trial that broke off.
    """

    number: int
    end: str
    at_rung: Mapping[int, Cost]
    total: Cost

    @property
    def last_epoch(self) -> int:
        """Epoch of the last rung it was measured at; 0 before the first."""
        return max(self.at_rung, default=0)


@dataclass(frozen=True)
class Recording:
    """A study as it happened.

    Args:
        events: in the order in which they were recorded.
        trials: by number; replicates left out.
        n_workers: trials at once, the most of any session.
        probe_seconds: of each probed trial, by number.
        replicates: what finished replicates were measured as at their end, by the number of the
            trial that they repeat.
        replicate_accuracies: probe accuracy in [0, 1] by a replicate's own number.
        n_labelled: images that probes are compared on; None where none was made.
    """

    events: tuple[Event, ...]
    trials: Mapping[int, TrialRecord]
    n_workers: int = 1
    probe_seconds: Mapping[int, float] = field(default_factory=dict)
    replicates: Mapping[int, tuple[Reading, ...]] = field(default_factory=dict)
    replicate_accuracies: Mapping[int, float] = field(default_factory=dict)
    n_labelled: int | None = None


def read_recording(study: optuna.Study) -> Recording:
    """Read the events of a study; of replicates only how they ended.

    Args:
        study: recorded by this version or a later one.

    Raises:
        StorageError: when a report or a probe does not say when it came.
    """
    attrs = study.user_attrs
    every = [t for t in study.get_trials(deepcopy=False) if t.state != TrialState.WAITING]
    trials = [trial for trial in every if REPLICATE not in trial.user_attrs]
    decided = any(key.startswith(DECISION) for t in trials for key in t.user_attrs)
    events = [event for trial in trials for event in _events_of(trial, decided=decided)]
    records, numbers = _probes(attrs), {trial.number for trial in trials}
    probes = {n: record for n, record in records.items() if n in numbers}
    events += [
        Probe(_order(p, f"{PROBE}{n}"), n, float(p["cross_validated"])) for n, p in probes.items()
    ]
    per_epoch = float(attrs.get("images", {}).get("train", math.nan))
    sessions = [s for key, s in attrs.items() if key.startswith("session/")]
    return Recording(
        # The sort is stable: what shares a place with its trial's own report stays behind it.
        events=tuple(sorted(events, key=lambda event: event.order)),
        trials={t.number: _trial_record(t, per_epoch) for t in trials},
        n_workers=max((int(s.get("workers", 1)) for s in sessions), default=1),
        probe_seconds={n: float(p.get("seconds", 0.0)) for n, p in probes.items()},
        replicates=_replicates(every),
        replicate_accuracies={
            n: float(p["cross_validated"]) for n, p in records.items() if n not in numbers
        },
        n_labelled=_n_labelled(attrs, records.values()),
    )


def _n_labelled(attrs: Mapping[str, Any], probes: Iterable[Mapping[str, Any]]) -> int | None:
    """Images that probes were compared on: all that were labelled less those kept for the end."""
    kept = {int(probe["n_reported"]) for probe in probes if "n_reported" in probe}
    n_probe = int(attrs.get("images", {}).get("probe", 0))
    return n_probe - max(kept) if kept and n_probe > max(kept) else None


def _replicates(trials: Sequence[FrozenTrial]) -> dict[int, tuple[Reading, ...]]:
    ends = dict[int, tuple[Reading, ...]]()
    for trial in trials:
        reading = reading_of(trial)
        if REPLICATE in trial.user_attrs and trial.state == TrialState.COMPLETE and reading:
            of = int(trial.user_attrs[REPLICATE])
            ends[of] = (*ends.get(of, ()), reading)
    return ends


def _events_of(trial: FrozenTrial, *, decided: bool) -> list[Event]:
    attrs, events = trial.user_attrs, list[Event]()
    last = 0
    for epoch in sorted(trial.intermediate_values):
        reading = _reading(trial, epoch)
        events.append(Report(reading.order, reading))
        last = max(last, reading.order)
        if not decided:
            events.append(Verdict(last, trial.number, epoch, None))
    for epoch, stored in _decisions(trial).items():
        place = _order(stored, f"trial {trial.number}'s {DECISION}{epoch}")
        last = max(last, place)
        decision = _decision(stored)
        if epoch in trial.intermediate_values:
            events.append(Verdict(place, trial.number, epoch, decision))
        else:
            # Its training broke on the way to that rung.
            events.append(BreakOff(place, trial.number, decision.kind, decision.reason))
    outcome: Mapping[str, Any] = attrs.get("outcome", {})
    kind = str(outcome.get("kind", ""))
    if kind in _GIVEN:
        # Nobody's verdict depends on it, so its place is behind the trial's own last event.
        events.append(BreakOff(last, trial.number, kind, str(outcome.get("reason", ""))))
    return events


def _reading(trial: FrozenTrial, epoch: int) -> Reading:
    reading = reading_of(trial, epoch)
    if reading is None or f"{ORDER}{epoch}" not in trial.user_attrs:
        raise StorageError(
            f"replay: trial {trial.number} was measured at epoch {epoch}, and its attribute "
            f"{ORDER}{epoch} (when, among all reports) is missing: the study was recorded by an "
            "earlier version or by another program. Only a study run by this version is replayed."
        )
    # A training that broke later marks the newest reading too; nobody knew when it was judged.
    return reading if f"{FINDING}{epoch}" in trial.user_attrs else replace(reading, finding=None)


def _decision(stored: Mapping[str, Any]) -> Decision:
    return Decision(
        bool(stored["stop"]), stored["reason"], stored["kind"], dict(stored.get("evidence", {}))
    )


def _order(stored: Mapping[str, Any], where: str) -> int:
    if "order" not in stored:
        raise StorageError(
            f"replay: {where} does not say when it came (no order): the study was recorded by an "
            "earlier version or by another program. Only a study run by this version is replayed."
        )
    return int(stored["order"])


def _probes(attrs: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    named = {key.removeprefix(PROBE): p for key, p in attrs.items() if key.startswith(PROBE)}
    return {int(name): p for name, p in named.items() if name.isdigit()}


def _decisions(trial: FrozenTrial) -> dict[int, Mapping[str, Any]]:
    stored = {
        k.removeprefix(DECISION): v for k, v in trial.user_attrs.items() if k.startswith(DECISION)
    }
    return {int(epoch): stored[epoch] for epoch in sorted(stored, key=int)}


def _stopped_at_rung(trial: FrozenTrial) -> bool:
    measured = trial.intermediate_values
    return any(d["stop"] and epoch in measured for epoch, d in _decisions(trial).items())


def _trial_record(trial: FrozenTrial, per_epoch: float) -> TrialRecord:
    attrs = trial.user_attrs
    spent: Mapping[str, float] = attrs.get("spent", {})
    if spent.get("epochs"):
        per_epoch = spent["images"] / spent["epochs"]
    at_rung = {
        epoch: Cost(
            float(epoch),
            epoch * per_epoch,
            float(attrs.get(f"{RUNG}{epoch}", {}).get("seconds", math.nan)),
        )
        for epoch in sorted(trial.intermediate_values)
    }
    last = at_rung[max(at_rung)] if at_rung else NOTHING
    whole = trial.state == TrialState.COMPLETE or _stopped_at_rung(trial)
    everything = Cost(
        float(spent.get("epochs", 0.0)),
        float(spent.get("images", 0.0)),
        float(spent.get("device_seconds", 0.0)),
    )
    stops = [d["kind"] for d in _decisions(trial).values() if d["stop"]]
    kind = str(attrs.get("outcome", {}).get("kind", "")) or (stops[-1] if stops else "pruned")
    end = _ENDS.get(trial.state, kind)
    if trial.state == TrialState.RUNNING:
        end = "unfinished"
    return TrialRecord(trial.number, end, at_rung, last if whole else last.at_least(everything))
