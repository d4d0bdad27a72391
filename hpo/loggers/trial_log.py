"""What a logger is told of a trial: plain data, read from the study."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import optuna
from optuna.trial import FrozenTrial

from hpo.record import RUNG, TrialRow, read_rows


@dataclass(frozen=True)
class TrialLog:
    """A trial as loggers show it.

    Args:
        number: Optuna's.
        name: of its run.
        hyperparameters: all of them, fixed ones included.
        points: finite measures by epoch of the rung, the loss among them.
        ended: whether it has.
        tags: "state", and where there are any "reason", "kind", "replicate_of" and "chosen".
        figures: what is known at the end alone, by name: the objective, a probe's accuracy.
        began: when, in seconds since 1970; nan before.
        finished: likewise.
    """

    number: int
    name: str
    hyperparameters: Mapping[str, float | int | str]
    points: Mapping[int, Mapping[str, float]]
    ended: bool
    tags: Mapping[str, str]
    figures: Mapping[str, float] = field(default_factory=dict)
    began: float = math.nan
    finished: float = math.nan

    @property
    def last_epoch(self) -> int:
        """Of the last rung; 0 before the first."""
        return max(self.points, default=0)

    @property
    def end(self) -> str:
        """A short name of all that is known of its end; empty before it."""
        if not self.ended:
            return ""
        text = json.dumps([dict(self.tags), dict(self.figures)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def trial_logs(study: optuna.Study) -> list[TrialLog]:
    """Read all trials that were started.

    Args:
        study: where from.
    """
    attrs = study.user_attrs
    choice = attrs.get("choice", {})
    objective = attrs.get("config", {}).get("objective", "objective")
    rows = read_rows(study, running=True)
    trials = study.get_trials(deepcopy=False)
    return [
        _log(
            row, trial, objective, str(choice.get("reason", "")), row.number == choice.get("number")
        )
        for row, trial in zip(rows, trials, strict=False)
        if row.state != "waiting"
    ]


def _log(row: TrialRow, trial: FrozenTrial, objective: str, why: str, chosen: bool) -> TrialLog:
    points = {epoch: _finite(trial.user_attrs[f"{RUNG}{epoch}"]) for epoch in row.rungs}
    tags = {"state": row.state, "reason": row.reason, "kind": row.kind}
    tags["replicate_of"] = "" if row.replicate_of is None else str(row.replicate_of)
    tags["chosen"] = why if chosen else ""
    figures = _finite({objective: row.objective, "probe_accuracy": _accuracy(row)})
    return TrialLog(
        number=row.number,
        name=f"trial {row.number}",
        hyperparameters=row.hyperparameters,
        points=points,
        ended=trial.state.is_finished(),
        tags={name: text for name, text in tags.items() if text},
        figures=figures,
        began=_seconds(trial.datetime_start),
        finished=_seconds(trial.datetime_complete),
    )


def _accuracy(row: TrialRow) -> float:
    return float(row.probe.get("cross_validated", math.nan))


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _seconds(moment: datetime | None) -> float:
    return math.nan if moment is None else moment.timestamp()
