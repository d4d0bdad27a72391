"""A cell of the table as the readings and accuracies that a replay needs. Reading only."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hpo.goldilocks import seed_spread
from hpo.history import Finding, Reading
from hpo.pruning import rung_epochs
from hpo.replay.cost import NOTHING
from hpo.replay.events import Report
from hpo.replay.other_objective import with_objective
from hpo.replay.recording import Recording, TrialRecord
from objectives import get_measure

_MEASURE = "measure."
_NOT_ENDED = ("failed", "running", "waiting", "interrupted")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Accuracy:
    """What a linear probe of one model at one rung gave, in [0, 1].

    Args:
        cross_validated: on the fit part; all that a choice with labels may see.
        reported: on the report part, which no choice has seen.
        pooled: of both parts, weighed by their images.
    """

    cross_validated: float
    reported: float
    pooled: float


@dataclass(frozen=True)
class TableCell:
    """A study of the table: every trial trained to the end and probed at every rung.

    Args:
        name: method and data set.
        rungs: epochs of the rungs, ascending; the last is the whole training.
        readings: of each trial, in the order of its rungs; fewer where its training broke.
        accuracies: by trial and epoch.
        pace: seconds of training an epoch, by trial.
        n_fit: labelled images that probes are fitted on.
        n_report: labelled images that are only reported on.
        seed_spread: standard deviation of the pooled accuracy between seeds of one configuration;
            None where none was repeated.
        knows_clear: whether the table says how clear each collapse was.
    """

    name: str
    rungs: tuple[int, ...]
    readings: Mapping[int, tuple[Reading, ...]]
    accuracies: Mapping[tuple[int, int], Accuracy]
    pace: Mapping[int, float]
    n_fit: int
    n_report: int
    seed_spread: float | None = None
    knows_clear: bool = False

    @property
    def final(self) -> dict[int, Accuracy]:
        """Accuracies of all trials that were trained to the end, collapsed ones too."""
        last = self.rungs[-1]
        return {trial: a for (trial, epoch), a in self.accuracies.items() if epoch == last}

    def readings_by(self, objective: str) -> dict[int, tuple[Reading, ...]]:
        """Return all readings as if another measure had been the objective.

        Args:
            objective: name of a measure, or "probe" for the cross-validated accuracy of the
                probe, with which no collapse is looked for.
        """
        if objective == "probe":
            return {
                trial: tuple(
                    Reading(r.trial, r.epoch, self._known(r.trial, r.epoch)) for r in readings
                )
                for trial, readings in self.readings.items()
            }
        events = tuple(Report(0, r) for own in self.readings.values() for r in own)
        nothing = {n: TrialRecord(n, "finished", {}, NOTHING) for n in self.readings}
        turned = with_objective(Recording(events, nothing), get_measure(objective))
        reported = [event.reading for event in turned.events if isinstance(event, Report)]
        return {n: tuple(r for r in reported if r.trial == n) for n in self.readings}

    def _known(self, trial: int, epoch: int) -> float:
        known = self.accuracies.get((trial, epoch))
        return math.nan if known is None else known.cross_validated


def read_cells(folder: Path) -> list[TableCell]:
    """Read every cell of a folder that has a trial with a final accuracy, by name."""
    cells = [read_cell(file) for file in sorted(folder.glob("*.parquet"))]
    return [cell for cell in cells if cell.final]


def read_cell(file: Path) -> TableCell:
    """Read one cell.

    Args:
        file: its Parquet; its JSON of conditions lies beside it.
    """
    conditions = json.loads(file.with_suffix(".json").read_text())
    frame = pd.read_parquet(file)
    rows: list[dict[str, Any]] = [
        {str(name): value for name, value in row.items()} for row in frame.to_dict("records")
    ]
    config = conditions["config"]
    rungs = rung_epochs(
        int(config["epochs"]),
        factor=int(config.get("rung_factor", 3)),
        n_rungs=int(config.get("rungs", 3)),
    )
    n_images = int(conditions["images"]["probe"])
    n_report = next((int(r["probe.n_reported"]) for r in rows if _has(r, "probe.n_reported")), 0)
    accuracies = {
        (int(row["trial"]), int(row["epoch"])): _accuracy(row, n_images - n_report, n_report)
        for row in rows
        if _has(row, "probe.cross_validated") and _has(row, "probe.reported")
    }
    own = [row for row in rows if not _has(row, "replicate_of")]
    # A table may be read while it grows: what has not ended is left out.
    numbers = sorted({int(row["trial"]) for row in own if row["state"] not in _NOT_ENDED})
    return TableCell(
        name=file.stem,
        rungs=tuple(rungs),
        readings={n: tuple(_readings(own, n)) for n in numbers},
        accuracies={key: value for key, value in accuracies.items() if key[0] in numbers},
        pace=_pace(own),
        n_fit=n_images - n_report,
        n_report=n_report,
        seed_spread=_spread(rows, accuracies, rungs[-1]),
        knows_clear="collapse_clear" in frame,
    )


def _has(row: Row, name: str) -> bool:
    return name in row and row[name] is not None and not pd.isna(row[name])


def _readings(rows: list[dict[str, Any]], trial: int) -> Iterator[Reading]:
    own = sorted((r for r in rows if r["trial"] == trial and r["epoch"] > 0), key=_epoch)
    for row in own:
        values = {
            name.removeprefix(_MEASURE): float(value) if _has(row, name) else math.nan
            for name, value in row.items()
            if name.startswith(_MEASURE)
        }
        # The objective is set by `readings_by`.
        yield Reading(trial, _epoch(row), math.nan, values, _finding(row))


def _finding(row: Row) -> Finding | None:
    if not _has(row, "collapse"):
        return None
    # A table without this column holds every collapse for clear, so for a stop at once.
    clear = bool(row["collapse_clear"]) if _has(row, "collapse_clear") else True
    kind = str(row["collapse"])
    return Finding(kind, str(row["collapse_layer"]), f"{kind} in the table", clear=clear)


def _epoch(row: Row) -> int:
    return int(row["epoch"])


def _accuracy(row: Row, n_fit: int, n_report: int) -> Accuracy:
    fit, report = float(row["probe.cross_validated"]), float(row["probe.reported"])
    return Accuracy(fit, report, (fit * n_fit + report * n_report) / (n_fit + n_report))


def _pace(rows: list[dict[str, Any]]) -> dict[int, float]:
    pace: dict[int, float] = {}
    for row in sorted(rows, key=_epoch):
        seconds = float(row["train_seconds"]) if _has(row, "train_seconds") else 0.0
        # The seconds are of the whole training, so the last rung is the one to divide by.
        pace[int(row["trial"])] = seconds / row["epoch"] if seconds > 0 and row["epoch"] else 1.0
    return pace


def _spread(
    rows: list[dict[str, Any]], known: Mapping[tuple[int, int], Accuracy], last: int
) -> float | None:
    runs: dict[int, list[float]] = {}
    for row in rows:
        of = (int(row["trial"]), _epoch(row))
        if _has(row, "replicate_of") and of[1] == last and of in known:
            repeats = int(row["replicate_of"])
            if (repeats, last) in known:
                first = [known[repeats, last].pooled]
                runs.setdefault(repeats, first).append(known[of].pooled)
    return seed_spread(runs)
