"""The product's collapse rule on recorded trials, and other rules beside it, offline."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.tabular.collapse_truth import CollapseTable, Trained
from benchmarks.tabular.judging import RECORDED
from hpo.config import StudyConfig
from hpo.history import Finding, Reading
from hpo.pruning import rung_epochs
from hpo.replay import BreakOff, Event, Report, Verdict, replay
from hpo.rules import replicate_rules

Row = Mapping[str, Any]
FindingOf = Callable[[Row, Mapping[str, float]], Finding | None]
_MOVED, _FORGOTTEN = 0.3, 0.85


def as_judged(row: Row, untrained: Mapping[str, float]) -> Finding | None:
    """Return the collapse that the product sees at a rung."""
    return _written(row, "")


def as_recorded(row: Row, untrained: Mapping[str, float]) -> Finding | None:
    """Return what its gate saw before it asked whether the backbone had gained anything."""
    return _written(row, RECORDED if f"{RECORDED}collapse" in row else "")


def _written(row: Row, prefix: str) -> Finding | None:
    kind = row.get(f"{prefix}collapse")
    if not isinstance(kind, str):
        return None
    clear = bool(row[f"{prefix}collapse_clear"])
    return Finding(kind, row[f"{prefix}collapse_layer"], kind, clear=clear)


def backbone_alone(row: Row, untrained: Mapping[str, float]) -> Finding | None:
    """Return it where it is the backbone's, which is judged first and never hidden."""
    found = as_judged(row, untrained)
    if found is not None and found.layer == "projector" and found.kind != "not finite":
        return None
    return found


def rank_below(share: float) -> FindingOf:
    """Return what calls a backbone dead by its rank too, with a share of one's own.

    Args:
        share: of the untrained network's RankMe, at or below which it is certainly dead.
    """

    def found(row: Row, untrained: Mapping[str, float]) -> Finding | None:
        seen = backbone_alone(row, untrained)
        if seen is not None:
            return seen
        if rank_share(row, untrained) <= share:
            return Finding("dimensional", "backbone", f"at most {share:g} of the rank", clear=True)
        return None

    return found


def forgotten(row: Row, untrained: Mapping[str, float]) -> Finding | None:
    """Return what calls a network dead too that has moved and lost its images."""
    seen = as_judged(row, untrained)
    if seen is not None:
        return seen
    gain = float(row.get("measure.view_retrieval", math.nan)) / untrained["retrieval"]
    if gain < _FORGOTTEN and float(row.get("measure.moved", math.nan)) >= _MOVED:
        reason = f"{gain:.2f} of the untrained retrieval"
        return Finding("forgotten", "backbone", reason, clear=False)
    return None


def rank_share(row: Row, untrained: Mapping[str, float]) -> float:
    """Return the backbone's RankMe as a share of the untrained network's; nan when unknown."""
    now = row.get("measure.rankme_backbone")
    return float("nan") if now is None else float(now) / untrained["backbone"]


@dataclass(frozen=True)
class Gate:
    """A way to find collapses, and how often one must be seen.

    Args:
        name: short.
        finding: of a rung.
        patience: rungs in a row for what is near its threshold.
    """

    name: str
    finding: FindingOf = field(repr=False)
    patience: int = 2


PRODUCT = Gate("product", as_judged)
GATES = (
    PRODUCT,
    Gate("product, patience 1", as_judged, patience=1),
    Gate("any projector", as_recorded),
    Gate("backbone alone", backbone_alone),
    *(Gate(f"rank of h <= {share:g}", rank_below(share)) for share in (0.2, 0.3)),
    Gate("product, or forgotten", forgotten),
    Gate("product, or forgotten once", forgotten, patience=1),
)


@dataclass(frozen=True)
class Stop:
    """Where a gate stops a trial.

    Args:
        epoch: of the rung; where the training broke, of the rung that it did not reach.
        share: of a whole training that was spent by then, in (0, 1].
        kind: of collapse.
        layer: it was seen in.
        seconds_saved: of training and measuring.
    """

    epoch: int
    share: float
    kind: str
    layer: str
    seconds_saved: float


def stop_of(trial: Trained, table: CollapseTable, gate: Gate) -> Stop | None:
    """Decide a trial again; None where no collapse stops it, not even at its end."""
    untrained = table.untrained
    readings = {}
    for place, row in enumerate(trial.rows):
        epoch, found = int(row["epoch"]), gate.finding(row, untrained)
        readings[epoch] = Reading(trial.number, epoch, 0.0, finding=found, order=2 * place)
    events: list[Event] = []
    for reading in readings.values():
        events.append(Report(reading.order, reading))
        events.append(Verdict(reading.order + 1, trial.number, reading.epoch, None))
    if trial.broke:
        events.append(BreakOff(2 * len(readings), trial.number, "collapse", trial.reason))
    rule = replicate_rules(StudyConfig(epochs=trial.n_epochs, patience=gate.patience))
    ended = replay(events, rule).ends.get(trial.number)
    if ended is None:
        return None
    if ended.given:
        return _broken(trial)
    found = readings[ended.epoch].finding
    seconds = {int(row["epoch"]): float(row["measure.seconds"]) for row in trial.rows}
    return Stop(
        ended.epoch,
        ended.epoch / trial.n_epochs,
        "" if found is None else found.kind,
        "" if found is None else found.layer,
        seconds[max(seconds)] - seconds[ended.epoch],
    )


def _broken(trial: Trained) -> Stop:
    """Count a training that broke as caught at the rung after its last, which is the latest."""
    reached = int(trial.rows[-1]["epoch"]) if trial.rows else 0
    later = (rung for rung in rung_epochs(trial.n_epochs) if rung > reached)
    after = min(later, default=trial.n_epochs)
    return Stop(after, after / trial.n_epochs, "not finite", "training", 0.0)
