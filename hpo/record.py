"""What a study's storage says of its trials, as plain rows. Reading only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpo.ordering import DECISION, PROBE
from hpo.warm_start.point import origin

RUNG = "rung/"  # trial attribute: the measures at an epoch
SPENT = "spent"  # trial attribute: epochs, images and device seconds, lost work included
WORKER = "worker"  # trial attribute: number of the worker that has or had it
THROUGHPUT = "images_per_second"  # trial attribute: training images seen a second of training
RUNG_PROBE = "rung_probe/"  # study attribute: one probe on the way, by trial number and epoch

_STATES = {
    "collapse": "collapsed",
    "zone": "out of zone",
    "halving": "pruned",
    "budget": "out of budget",
    "": "pruned",
}


@dataclass(frozen=True)
class TrialRow:
    """One trial as people and decisions see it.

    Args:
        number: Optuna's number.
        state: "waiting", "running", "interrupted", "finished", "pruned", "collapsed",
            "out of zone", "out of budget" or "failed".
        epoch: last rung measured; 0 before the first.
        objective: the objective there; nan before the first.
        values: all measures there, by name.
        reason: why it ended early; empty otherwise.
        train_seconds: spent on training, up to the last record.
        measure_seconds: spent on measuring, likewise.
        hyperparameters: all of them, fixed ones included.
        probe: record of its linear probe, if it had one.
        worker: number of the worker that ran it last, from 0; None for one that none took up.
        images_per_second: training images seen a second of training, each counted once whatever
            its views; nan up to the first record.
        replicate_of: number of the trial whose configuration it repeats under another seed; None
            for a trial of its own. Replicates are never compared with other trials.
        seed: of a replicate; None for a trial of its own.
        kind: of its end: "collapse", "zone", "halving", "budget" or "error"; empty when it
            finished, goes on, or nobody said.
        decisions: what was decided at each rung, by epoch; see `hpo.decision.Decision`.
        spent: "epochs", "images" and "device_seconds" over all its attempts, what was lost in
            kills included; empty where nobody recorded it.
        rungs: epochs at which it was measured, ascending.
        origin: older study and trial that its hyperparameters were taken from, in words; empty for
            a trial of its own.
    """

    number: int
    state: str
    epoch: int
    objective: float
    values: Mapping[str, float]
    reason: str
    train_seconds: float
    measure_seconds: float
    hyperparameters: Mapping[str, float | int | str]
    probe: Mapping[str, float] = field(default_factory=dict)
    worker: int | None = None
    images_per_second: float = math.nan
    replicate_of: int | None = None
    seed: int | None = None
    kind: str = ""
    decisions: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    spent: Mapping[str, float] = field(default_factory=dict)
    rungs: tuple[int, ...] = ()
    origin: str = ""

    @property
    def alpha(self) -> float:
        """α of the backbone at the last rung; nan when unknown."""
        return self.values.get("alpha_req", math.nan)

    @property
    def moved(self) -> float:
        """Distance from initialisation at the last rung; nan when unknown."""
        return self.values.get("moved", math.nan)

    @property
    def seconds(self) -> float:
        """Seconds of work that are in its last record."""
        return self.train_seconds + self.measure_seconds

    @property
    def n_images(self) -> int:
        """Training images behind its last record; 0 when unknown."""
        known = math.isfinite(self.images_per_second)
        return round(self.images_per_second * self.train_seconds) if known else 0

    @property
    def spent_epochs(self) -> float:
        """Epochs trained over all attempts; up to the last rung where nobody recorded it."""
        return max(self.spent.get("epochs", 0.0), float(self.epoch))

    @property
    def spent_images(self) -> int:
        """Training images seen over all attempts."""
        return max(int(self.spent.get("images", 0)), self.n_images)


def read_rows(study: optuna.Study, *, running: bool) -> list[TrialRow]:
    """Read all trials of a study.

    Args:
        study: where from.
        running: whether a process is at work on it; without one a running trial is "interrupted".
    """
    attrs = study.user_attrs
    return [
        _row(trial, running=running, probe=attrs.get(f"{PROBE}{trial.number}", {}))
        for trial in study.get_trials(deepcopy=False)
    ]


def _row(trial: FrozenTrial, *, running: bool, probe: Mapping[str, float]) -> TrialRow:
    attrs = trial.user_attrs
    epochs = sorted(int(key.removeprefix(RUNG)) for key in attrs if key.startswith(RUNG))
    epoch = epochs[-1] if epochs else 0
    seconds: dict[str, float] = attrs.get("seconds", {})
    kind, reason = _end(trial)
    return TrialRow(
        number=trial.number,
        state=_state(trial, kind, running=running),
        epoch=epoch,
        objective=trial.intermediate_values.get(epoch, math.nan),
        values=attrs.get(f"{RUNG}{epoch}", {}),
        reason=reason,
        train_seconds=seconds.get("train", 0.0),
        measure_seconds=seconds.get("measure", 0.0),
        hyperparameters=attrs.get("hyperparameters", trial.params),
        probe=probe,
        worker=attrs.get(WORKER),
        images_per_second=attrs.get(THROUGHPUT, math.nan),
        replicate_of=attrs.get("replicate_of"),
        seed=attrs.get("seed"),
        kind=kind,
        decisions={
            int(key.removeprefix(DECISION)): record
            for key, record in attrs.items()
            if key.startswith(DECISION)
        },
        spent=attrs.get(SPENT, {}),
        rungs=tuple(epochs),
        origin=origin(attrs),
    )


def _end(trial: FrozenTrial) -> tuple[str, str]:
    """Kind and reason of an early end, both empty where there was none or nobody said."""
    attrs = trial.user_attrs
    outcome: dict[str, str] = attrs.get("outcome", {})
    if not outcome and trial.state == TrialState.PRUNED and "collapse" in attrs:
        return "collapse", str(attrs["collapse"])  # a study that knows our pruner and no more
    return outcome.get("kind", ""), outcome.get("reason", "")


def _state(trial: FrozenTrial, kind: str, *, running: bool) -> str:
    if trial.state == TrialState.COMPLETE:
        return "finished"
    if trial.state == TrialState.FAIL:
        return "failed"
    if trial.state == TrialState.WAITING:
        return "waiting"
    if trial.state == TrialState.RUNNING:
        return "running" if running else "interrupted"
    return _STATES.get(kind, "pruned")
