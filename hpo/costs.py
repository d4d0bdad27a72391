"""What a study cost, pure: each trial, measure, probe, replicate and idle gap, and their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna

from hpo.budget import Spend
from hpo.ledger import probe_seconds
from hpo.meter import session_seconds, worker_seconds
from hpo.record import TrialRow, read_rows
from hpo.retention.rule import UNFINISHED
from hpo.savings import Savings, savings_of, useful_epochs

PHASES = ("train", "measure", "probe", "replicate", "lost", "idle")


@dataclass(frozen=True)
class TrialCost:
    """What one trial cost; all seconds are device seconds.

    Args:
        number: Optuna's number.
        state: as in `hpo.record.TrialRow`.
        replicate_of: number of the trial that it repeats; None for a trial of its own.
        train_seconds: of training that its last record holds.
        measure_seconds: of measuring, likewise.
        probe_seconds: of its probe.
        lost_seconds: of work that no record holds, because its process was killed.
        epochs: trained, without lost ones.
        images: seen in them, each counted once an epoch.
        lost_epochs: trained and lost.
        lost_images: seen in lost epochs.
    """

    number: int
    state: str
    replicate_of: int | None
    train_seconds: float
    measure_seconds: float
    probe_seconds: float
    lost_seconds: float
    epochs: float
    images: int
    lost_epochs: float
    lost_images: int

    @property
    def total_seconds(self) -> float:
        """Of everything."""
        return self.train_seconds + self.measure_seconds + self.probe_seconds + self.lost_seconds


@dataclass(frozen=True)
class Costs:
    """What a study cost.

    Args:
        wall_seconds: on the wall's clock, over all sessions.
        phases: device seconds by name, each >= 0; see `PHASES`. "replicate" is training and
            measuring of replicates, "idle" what is left of all workers' time: starting, reading
            images, storing, waiting.
        trials: each trial.
        by_state: epochs, images and device seconds of trials by how they ended, lost ones left out.
        lost: epochs, images and device seconds of work that was lost in kills.
        saved: what early stops saved.
    """

    wall_seconds: float
    phases: Mapping[str, float]
    trials: tuple[TrialCost, ...] = ()
    by_state: Mapping[str, Spend] = field(default_factory=dict)
    lost: Spend = field(default_factory=Spend)
    saved: Savings = field(default_factory=Savings)

    @property
    def total_seconds(self) -> float:
        """Device seconds of everything: the sum of the phases."""
        return sum(self.phases.values())

    @property
    def spend(self) -> Spend:
        """What counts against a budget: all of it, with what was lost."""
        return Spend(
            wall_seconds=self.wall_seconds,
            device_seconds=self.total_seconds - self.phases.get("idle", 0.0),
            epochs=sum(trial.epochs + trial.lost_epochs for trial in self.trials),
            images=sum(trial.images + trial.lost_images for trial in self.trials),
            probe_seconds=self.phases.get("probe", 0.0),
        )


def costs_of(study: optuna.Study, *, running: bool = False) -> Costs:
    """Sum up what a study cost.

    Args:
        study: as recorded, by this version or an earlier one, which did not tell lost work.
        running: whether a process is at work on it.
    """
    return costs_from(read_rows(study, running=running), study.user_attrs)


def costs_from(rows: Sequence[TrialRow], attrs: Mapping[str, Any]) -> Costs:
    """Sum up what a study cost.

        idle = max(0, Σ session seconds · workers · devices - all other phases)

    A study whose main process probes while its workers train can have no idle time left; the total
    is the sum of the phases then.

    Args:
        rows: all trials.
        attrs: of the study.

    >>> row = TrialRow(0, "finished", 9, 1.0, {}, "", 6.0, 1.0, {})
    >>> costs_from([row], {"session/0": {"seconds": 10.0, "workers": 1}}).phases["idle"]
    3.0
    """
    config: Mapping[str, Any] = attrs.get("config", {})
    n_devices = int(config.get("devices", 1))
    per_epoch = _images_per_epoch(attrs)
    trials = tuple(_trial(row, n_devices, per_epoch) for row in rows)
    own = [trial for trial in trials if trial.replicate_of is None]
    again = [trial for trial in trials if trial.replicate_of is not None]
    phases = {
        "train": sum(trial.train_seconds for trial in own),
        "measure": sum(trial.measure_seconds for trial in own),
        "probe": probe_seconds(attrs),
        "replicate": sum(trial.train_seconds + trial.measure_seconds for trial in again),
        "lost": sum(trial.lost_seconds for trial in trials),
    }
    sessions = worker_seconds(dict(attrs)) * n_devices
    phases["idle"] = max(0.0, sessions - sum(phases.values()))
    by_state: dict[str, Spend] = {}
    for trial in trials:
        by_state[trial.state] = by_state.get(trial.state, Spend()) + Spend(
            device_seconds=trial.train_seconds + trial.measure_seconds,
            epochs=trial.epochs,
            images=trial.images,
        )
    finished = [row.epoch for row in rows if row.state == "finished"]
    return Costs(
        wall_seconds=session_seconds(dict(attrs)),
        phases=phases,
        trials=trials,
        by_state=by_state,
        lost=Spend(
            device_seconds=phases["lost"],
            epochs=sum(trial.lost_epochs for trial in trials),
            images=sum(trial.lost_images for trial in trials),
        ),
        saved=savings_of(
            rows,
            n_epochs=config.get("epochs", max(finished, default=1)),
            images_per_epoch=per_epoch,
            n_devices=n_devices,
        ),
    )


def _images_per_epoch(attrs: Mapping[str, Any]) -> int:
    """Whole batches; 0 where a study does not say."""
    batch_size = int(attrs.get("config", {}).get("batch_size", 0))
    n_images = int(attrs.get("images", {}).get("train", 0))
    return n_images // batch_size * batch_size if batch_size else 0


def _trial(row: TrialRow, n_devices: int, images_per_epoch: int) -> TrialCost:
    train, measure = n_devices * row.train_seconds, n_devices * row.measure_seconds
    beyond = max(0.0, row.spent.get("device_seconds", 0.0) - train - measure)
    epochs, images = useful_epochs(row, images_per_epoch), row.n_images
    if row.state in UNFINISHED:
        # Not lost yet: its record is written when it stops.
        train, beyond = train + beyond, 0.0
        epochs, images = row.spent_epochs, row.spent_images
    return TrialCost(
        number=row.number,
        state=row.state,
        replicate_of=row.replicate_of,
        train_seconds=train,
        measure_seconds=measure,
        probe_seconds=float(row.probe.get("seconds", 0.0)),
        lost_seconds=beyond,
        epochs=epochs,
        images=images,
        # Sums of steps are off in their last digits.
        lost_epochs=round(row.spent_epochs - epochs, 3),
        lost_images=row.spent_images - images,
    )
