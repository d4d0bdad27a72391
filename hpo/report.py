"""The end of a study for people: what was chosen and why, what was pruned, where the time went."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpo.budget import format_duration, parse_duration
from hpo.export import CARD_NAME, WEIGHTS_NAME
from hpo.meter import session_seconds, worker_seconds
from hpo.record import PROBE, TrialRow, read_rows
from hpo.storage import StudyDirectory

_STYLES = {
    "finished": "green",
    "running": "cyan",
    "collapsed": "red",
    "failed": "red",
    "pruned": "yellow",
    "out of budget": "yellow",
    "interrupted": "magenta",
    "waiting": "dim",
}


def trial_table(rows: Sequence[TrialRow], *, measure: str, chosen: int | None = None) -> Table:
    """Build the table of trials.

    Args:
        rows: the trials.
        measure: name of the measure that is optimised; α is always shown.
        chosen: number of the chosen trial, if there is one.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title, justify in (
        ("trial", "right"),
        ("state", "left"),
        ("epoch", "right"),
        (measure if measure != "alpha_req" else "lidar", "right"),
        ("α", "right"),
        ("moved", "right"),
        ("time", "right"),
        ("img/s", "right"),
        ("reason", "left"),
    ):
        table.add_column(title, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        mark = " *" if row.number == chosen else ""
        table.add_row(
            f"{row.number}",
            Text(row.state + mark, style=_STYLES.get(row.state, "")),
            str(row.epoch or "-"),
            _number(row.values.get(measure if measure != "alpha_req" else "lidar"), ".1f"),
            _number(row.alpha, ".2f"),
            _number(row.moved, ".2f"),
            format_duration(seconds)
            if (seconds := row.train_seconds + row.measure_seconds)
            else "-",
            _number(row.images_per_second, ".0f"),
            row.reason,
        )
    return table


def print_report(
    console: Console, study: optuna.Study, directory: StudyDirectory, *, running: bool
) -> None:
    """Print what is known of a study.

    Args:
        console: where to.
        study: to report on.
        directory: the study's.
        running: whether a process is at work on it.
    """
    console.print(report_of(study, directory, running=running))


def report_of(study: optuna.Study, directory: StudyDirectory, *, running: bool) -> RenderableType:
    """Build the report of a running, interrupted or finished study."""
    attrs = study.user_attrs
    config: dict[str, Any] = attrs.get("config", {})
    rows = read_rows(study, running=running)
    choice: dict[str, Any] | None = attrs.get("choice")
    chosen = None if choice is None else int(choice["number"])
    parts: list[RenderableType] = [
        trial_table(rows, measure=config.get("objective", "rankme"), chosen=chosen),
        Text(),
    ]
    lines = [
        *_chosen_lines(rows, attrs, directory, chosen, running=running),
        *_image_lines(attrs),
        *_pruned_lines(rows),
        *_proof_lines(attrs, chosen),
        *_budget_lines(rows, attrs, config),
        *_next_lines(directory, config, rows, chosen, running=running),
    ]
    width = max(len(title) for title, _ in lines)
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(width=width, style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for title, text in lines:
        grid.add_row(title, Text(text))
    return Group(*parts, grid)


def _chosen_lines(
    rows: Sequence[TrialRow],
    attrs: Mapping[str, Any],
    directory: StudyDirectory,
    chosen: int | None,
    *,
    running: bool,
) -> list[tuple[str, str]]:
    listed = attrs.get("shortlist", {}).get("numbers", [])
    if chosen is None:
        return [("chosen", "nothing yet: the study is running" if running else "nothing yet")]
    row = next(r for r in rows if r.number == chosen)
    shown = ", ".join(f"{k} {_short(v)}" for k, v in row.hyperparameters.items())
    by_number = {r.number: r for r in rows}
    shortlist = ", ".join(f"{n} (α {_number(by_number[n].alpha, '.2f')})" for n in listed)
    barred = [r for r in attrs["shortlist"]["excluded"].values() if "not moved" in r]
    lines = [
        ("chosen", f"trial {chosen}: {attrs['choice']['reason']}"),
        ("with", shown),
        ("shortlist", f"{shortlist}: α closest to the zone [0.8, 1.2]"),
    ]
    if barred:
        lines.append(("barred", f"{len(barred)} that had not moved away from initialisation"))
    lines.append(("weights", str(directory.chosen / WEIGHTS_NAME)))
    lines.append(("card", str(directory.chosen / CARD_NAME)))
    return lines


def _image_lines(attrs: Mapping[str, Any]) -> list[tuple[str, str]]:
    images: Mapping[str, int] = attrs.get("images", {})
    if not images:
        return []
    text = f"{images['train']} to train on, {images['measure']} to measure on"
    text += f", {images['probe']} labelled for the probe" if images["probe"] else ""
    return [("images", text + (f"; {images['skipped']} unreadable" if images["skipped"] else ""))]


def _pruned_lines(rows: Sequence[TrialRow]) -> list[tuple[str, str]]:
    counts = {
        state: sum(row.state == state for row in rows)
        for state in ("collapsed", "pruned", "out of budget", "failed", "interrupted")
    }
    early = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    finished = sum(row.state == "finished" for row in rows)
    text = f"{len(rows)} started, {finished} finished" + (f", {early}" if early else "")
    return [("trials", text)]


def _proof_lines(attrs: Mapping[str, Any], chosen: int | None) -> list[tuple[str, str]]:
    """How the chosen backbone probes on labelled images that no choice ever saw."""
    names = [("the chosen backbone", str(chosen)), ("untrained", "untrained"), ("pixels", "pixels")]
    probes = [(shown, attrs.get(f"{PROBE}{key}")) for shown, key in names]
    known = [(shown, probe) for shown, probe in probes if probe is not None]
    if chosen is None or len(known) < len(probes):
        return []
    n = int(known[0][1]["n_reported"])
    text = "; ".join(
        f"{shown} {probe['reported']:.3f} ± {_standard_error(probe['reported'], n):.3f}"
        for shown, probe in known
    )
    return [("probe", f"accuracy on {n} labelled images kept for this line: {text}")]


def _standard_error(accuracy: float, n: int) -> float:
    return math.sqrt(max(accuracy * (1 - accuracy), 1e-12) / max(n, 1))


def _budget_lines(
    rows: Sequence[TrialRow], attrs: Mapping[str, Any], config: Mapping[str, Any]
) -> list[tuple[str, str]]:
    spent = session_seconds(dict(attrs))
    budget = config.get("budget")
    train = sum(row.train_seconds for row in rows)
    measure = sum(row.measure_seconds for row in rows)
    probe = sum(p["seconds"] for key, p in attrs.items() if key.startswith(PROBE))
    # Shares are of all workers' time: two that train for a minute have trained for two.
    work = max(worker_seconds(dict(attrs)), spent)
    # What killed processes trained after their last record is in nobody's row.
    rest = max(0.0, work - train - measure - probe)
    of = f" of {format_duration(parse_duration(budget))}" if budget else ""
    several = f" (all workers together: {format_duration(work)})" if work > 1.001 * spent else ""
    parts = ", ".join(
        f"{name} {format_duration(seconds)} ({100 * seconds / max(work, 1e-9):.0f} %)"
        for name, seconds in (
            ("training", train),
            ("measuring", measure),
            ("probing", probe),
            ("starting, storing, waiting" if several else "starting, reading, storing", rest),
        )
    )
    return [("spent", f"{format_duration(spent)}{of}{several}: {parts}")]


def _next_lines(
    directory: StudyDirectory,
    config: Mapping[str, Any],
    rows: Sequence[TrialRow],
    chosen: int | None,
    *,
    running: bool,
) -> list[tuple[str, str]]:
    out, file = shlex.quote(str(directory.out)), shlex.quote(str(directory.config_file))
    if running:
        return [("next", f"goldilocks status {out}    (again, later)")]
    if chosen is None:
        return [("next", f"goldilocks run --config {file}    (goes on with this study)")]
    more = f"--trials {2 * len(rows)}"
    if config.get("budget"):
        more += f" --budget {_twice(config['budget'])}"
    return [("next", f"goldilocks run --config {file} {more}    (searches on)")]


def _twice(budget: str) -> str:
    return f"{2 * parse_duration(budget):.0f}s"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None or not math.isfinite(value) else format(value, form)


def _short(value: float | int | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
