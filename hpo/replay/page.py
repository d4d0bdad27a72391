"""A replay for people and for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpo.budget import format_duration
from hpo.decision import Decision
from hpo.replay.choosing import Regret
from hpo.replay.comparison import Comparison, Fate
from hpo.replay.replaying import Redecision, Replay
from hpo.replay.shuffles import Shuffles, Spread

_MOST_ROWS = 20
_ARRIVAL = (
    "the order of arrival is the recorded one: compute that is saved would have gone to other "
    "trials, of which nothing is known"
)
_STYLES = {"sooner": "green", "lost": "red", "unknown": "magenta"}


@dataclass(frozen=True)
class Outcome:
    """All there is to say of a replay.

    Args:
        differences: settings that were changed, each as (recorded, replayed).
        rungs: epochs at which the trials were measured.
        replay: the decisions.
        comparison: with the record.
        shuffles: over other orders; None where none were asked for.
    """

    differences: Mapping[str, tuple[Any, Any]]
    rungs: tuple[int, ...]
    replay: Replay
    comparison: Comparison
    shuffles: Shuffles | None = None


def replay_page(outcome: Outcome) -> RenderableType:
    """Build what is shown: the summary, then every trial that fares otherwise."""
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for title, text in _lines(outcome):
        grid.add_row(title, Text(text))
    changed = [fate for fate in outcome.comparison.fates.values() if fate.change != "same"]
    parts: list[RenderableType] = [grid]
    if changed:
        parts += [Text(), _table(changed[:_MOST_ROWS])]
    if len(changed) > _MOST_ROWS:
        parts.append(Text(f"and {len(changed) - _MOST_ROWS} more; --json lists all"))
    return Group(*parts)


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Return everything as JSON can hold it; what is not finite is null."""
    compared, redecisions = outcome.comparison, outcome.replay.redecisions
    record = {
        "settings": {
            name: {"recorded": then, "replayed": now}
            for name, (then, now) in outcome.differences.items()
        },
        "rungs": outcome.rungs,
        "decisions": {
            "made": len(redecisions),
            "same": sum(made.same for made in redecisions),
            "different": [_both(made) for made in redecisions if not made.same],
        },
        "trials": {
            "same": compared.count("same"),
            "sooner": compared.count("sooner"),
            "lost": compared.count("lost"),
            "unknown": compared.count("unknown"),
        },
        "fates": [asdict(fate) for fate in compared.fates.values()],
        "compute": {
            "recorded": asdict(compared.recorded),
            "saved": asdict(compared.saved),
            "extra_epochs_at_least": compared.extra_epochs,
        },
        "probes": {
            "recorded": compared.probes_then,
            "replayed": compared.probes_now,
            "seconds_saved": compared.probe_seconds_saved,
            "finished_without": compared.unprobed,
        },
        "choice": {
            "recorded": compared.chosen_then,
            "replayed": None if compared.chosen is None else compared.chosen.number,
            "reason": None if compared.chosen is None else compared.chosen.reason,
            "listed": compared.listed,
        },
        "regret": {
            "recorded": _as_dict(compared.regret_then),
            "replayed": _as_dict(compared.regret),
        },
        "shuffles": None if outcome.shuffles is None else asdict(outcome.shuffles),
    }
    plain: dict[str, Any] = _finite(record)
    return plain


def _lines(outcome: Outcome) -> list[tuple[str, str]]:
    compared, made = outcome.comparison, outcome.replay.redecisions
    changes = ", ".join(
        f"{name} {_setting(now)} (recorded: {_setting(then)})"
        for name, (then, now) in outcome.differences.items()
    )
    lines = [
        ("settings", changes or "as recorded"),
        ("rungs", f"epochs {', '.join(map(str, outcome.rungs))}, as recorded"),
        ("decisions", _decisions(made, changed=bool(changes))),
        ("trials", _trials(compared)),
        ("compute", _compute(compared)),
    ]
    if compared.probes_then:
        spared = format_duration(compared.probe_seconds_saved)
        text = f"{compared.probes_now} of the {compared.probes_then} recorded; {spared} saved"
        lines.append(("probes", text))
    lines.append(("chosen", _chosen(compared)))
    lines.append(("regret", _regret(compared.regret, compared.regret_then)))
    if outcome.shuffles is not None:
        lines += _shuffle_lines(outcome.shuffles)
    lines.append(("note", _ARRIVAL))
    if changes and compared.unprobed:
        lines.append(("note", _unprobed(compared.unprobed)))
    return lines


def _unprobed(n: int) -> str:
    who = "1 trial was" if n == 1 else f"{n} trials were"
    return (
        f"{who} measured to the end but never probed and cannot be chosen here; under these "
        "settings some might have been probed: --probe-all records a study that every replay can "
        "choose from"
    )


def _setting(value: Any) -> str:
    return "none" if value is None else str(value)


def _decisions(made: tuple[Redecision, ...], *, changed: bool) -> str:
    n_same = sum(one.same for one in made)
    if n_same == len(made):
        return f"all {len(made)} as recorded: verdict, reason and evidence"
    other = len(made) - n_same
    unrecorded = sum(one.recorded is None for one in made)
    text = f"{n_same} of {len(made)} as recorded, {other} not"
    if unrecorded:
        text += f" ({unrecorded} were not recorded)"
    if changed:
        return text
    first = next(one for one in made if not one.same)
    return f"{text}: the first is trial {first.trial} at epoch {first.epoch}"


def _trials(compared: Comparison) -> str:
    return (
        f"{len(compared.fates)}: {compared.count('same')} end as recorded, "
        f"{compared.count('sooner')} stopped sooner, {compared.count('lost')} lost that had "
        f"finished, {compared.count('unknown')} unknown"
    )


def _compute(compared: Comparison) -> str:
    saved, whole = compared.saved, compared.recorded
    share = 100 * saved.epochs / whole.epochs if whole.epochs else 0.0
    text = f"{saved.epochs:g} of {whole.epochs:g} epochs saved ({share:.0f} %)"
    if math.isfinite(saved.images):
        text += f", {saved.images:.4g} images"
    if math.isfinite(saved.device_seconds):
        text += f", {format_duration(saved.device_seconds)} of device time"
    if compared.extra_epochs:
        text += f"; unknown trials cost at least {compared.extra_epochs:g} epochs more"
    return text


def _chosen(compared: Comparison) -> str:
    if compared.chosen is None:
        now = "nothing may be chosen"
    else:
        now = f"trial {compared.chosen.number}: {compared.chosen.reason}"
    if compared.chosen_then is None:
        return f"{now} (recorded: none)"
    return f"{now} (recorded: trial {compared.chosen_then})"


def _regret(now: Regret | None, then: Regret | None) -> str:
    if now is None:
        return "cannot be said"
    behind = f", behind trial {now.best}, the best of the record" if now.value else ""
    text = f"{now.value:.4g} in {now.unit}{behind}"
    return text if then is None else f"{text} (recorded choice: {then.value:.4g} in {then.unit})"


def _shuffle_lines(shuffles: Shuffles) -> list[tuple[str, str]]:
    compute = _spread(shuffles.compute, 100, " %", 0)
    lines = [("orders", f"{shuffles.n}: {compute} of the recorded epochs")]
    for unit, spread in shuffles.regret.items():
        text = f"{_spread(spread, 1, '', 4)} in {unit}, {spread.n} orders"
        lines.append(("regret", text))
    if shuffles.unchosen:
        lines.append(("unchosen", f"in {shuffles.unchosen} orders nothing may be chosen"))
    return lines


def _spread(spread: Spread, factor: float, unit: str, digits: int) -> str:
    mean, low, high = (
        f"{factor * figure:.{digits}f}" for figure in (spread.mean, spread.low, spread.high)
    )
    return f"mean {mean}{unit}, 5–95 %: {low} to {high}{unit}"


def _table(fates: list[Fate]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("trial", "change", "recorded", "now", "saved", "reason"):
        table.add_column(title, justify="right" if title in ("trial", "saved") else "left")
    for fate in fates:
        saved = (
            f"{fate.saved.epochs:g}" if fate.change != "unknown" else f"-{fate.at_least:g} or less"
        )
        table.add_row(
            str(fate.trial),
            Text(fate.change, style=_STYLES[fate.change]),
            f"{fate.then} at {fate.then_epoch}",
            f"{fate.now} at {fate.now_epoch}",
            saved,
            Text(fate.reason),
        )
    return table


def _both(made: Redecision) -> dict[str, Any]:
    return {
        "trial": made.trial,
        "epoch": made.epoch,
        "recorded": _decision(made.recorded),
        "replayed": _decision(made.new),
    }


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {**asdict(decision), "evidence": dict(decision.evidence)}


def _as_dict(regret: Regret | None) -> dict[str, Any] | None:
    return None if regret is None else asdict(regret)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    return value
