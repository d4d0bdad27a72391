"""The product's collapse rule on recorded trials, and other rules beside it, offline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.tabular.collapse_truth import CollapseTable, Trained
from hpo.config import StudyConfig
from hpo.history import Finding, Reading
from hpo.pruning import rung_epochs
from hpo.replay import BreakOff, Event, Report, Verdict, replay
from hpo.rules import replicate_rules
from objectives import CollapseThresholds

Row = Mapping[str, Any]
_LIMITS, _CLEAR = CollapseThresholds(), 1.5  # as in `hpo.pruning.collapse`
FindingOf = Callable[[Row, Mapping[str, float]], Finding | None]


def as_recorded(row: Row, untrained_rank: Mapping[str, float]) -> Finding | None:
    """Return the collapse that the product saw at a rung."""
    if not isinstance(row.get("collapse"), str):
        return None
    clear = bool(row["collapse_clear"])
    return Finding(row["collapse"], row["collapse_layer"], str(row["collapse"]), clear=clear)


def backbone_alone(row: Row, untrained_rank: Mapping[str, float]) -> Finding | None:
    """Return it where it is the backbone's, which is judged first and never hidden."""
    found = as_recorded(row, untrained_rank)
    if found is not None and found.layer == "projector" and found.kind != "not finite":
        return None
    return found


def rank_below(share: float) -> FindingOf:
    """Return what calls a backbone dead by its rank too, with a share of one's own.

    Args:
        share: of the untrained network's RankMe, at or below which it is certainly dead.
    """

    def found(row: Row, untrained_rank: Mapping[str, float]) -> Finding | None:
        recorded = backbone_alone(row, untrained_rank)
        if recorded is not None:
            return recorded
        if rank_share(row, untrained_rank) <= share:
            return Finding("dimensional", "backbone", f"at most {share:g} of the rank", clear=True)
        return None

    return found


def own_width(row: Row, untrained_rank: Mapping[str, float]) -> Finding | None:
    """Return what the product would see if it held a projector against one of the same width.

    It holds all of a study against the published width, where a narrower one is never as high.
    """
    recorded = as_recorded(row, untrained_rank)
    if recorded is not None and (recorded.layer, recorded.kind) != ("projector", "dimensional"):
        return recorded
    width = row.get("hyperparameter.projector_width")
    before = untrained_rank.get(f"projector {width}", untrained_rank["projector"])
    rank = float(row["measure.rankme"])
    beyond = max(_LIMITS.smallest_rank_share * before, _LIMITS.smallest_rank) / rank
    if not beyond >= 1:
        return None
    return Finding("dimensional", "projector", f"rank {rank:.3g}", clear=beyond >= _CLEAR)


def spared_above(share: float, *, finding: FindingOf = as_recorded) -> FindingOf:
    """Return what the product sees, but for projectors before a backbone of living rank.

    A projector may be narrow in a good run: only what reaches the backbone costs accuracy.

    Args:
        share: of the untrained network's RankMe, above which the backbone is alive.
        finding: what is seen at a rung.
    """

    def found(row: Row, untrained_rank: Mapping[str, float]) -> Finding | None:
        seen = finding(row, untrained_rank)
        if seen is None or (seen.layer, seen.kind) != ("projector", "dimensional"):
            return seen
        return seen if rank_share(row, untrained_rank) <= share else None

    return found


def rank_share(row: Row, untrained_rank: Mapping[str, float]) -> float:
    """Return the backbone's RankMe as a share of the untrained network's; nan when unknown."""
    now = row.get("measure.rankme_backbone")
    return float("nan") if now is None else float(now) / untrained_rank["backbone"]


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


PRODUCT = Gate("product", as_recorded)
GATES = (
    PRODUCT,
    Gate("product, patience 1", as_recorded, patience=1),
    Gate("backbone alone", backbone_alone),
    Gate("projector of its width", own_width),
    Gate("its width, if h <= 0.5", spared_above(0.5, finding=own_width)),
    *(Gate(f"projector if h <= {share:g}", spared_above(share)) for share in (0.3, 0.4, 0.5)),
    *(Gate(f"rank of h <= {share:g}", rank_below(share)) for share in (0.2, 0.25, 0.3, 0.4)),
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
    ranks = table.untrained_rank
    readings = {
        int(row["epoch"]): Reading(
            trial.number, int(row["epoch"]), 0.0, finding=gate.finding(row, ranks), order=2 * place
        )
        for place, row in enumerate(trial.rows)
    }
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
