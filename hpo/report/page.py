"""The report as a page: the table of trials, and below it a line for everything worth knowing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpo.budget import Limits, parse_budget
from hpo.costs import costs_from
from hpo.record import TrialRow, read_rows
from hpo.report.choosing import chosen_lines, proof_lines, round_lines
from hpo.report.spending import spending_lines
from hpo.report.table import trial_table
from hpo.storage import StudyDirectory
from hpo.trust import read_evidence, trust, trust_lines

_ENDED_EARLY = ("collapsed", "pruned", "out of zone", "out of budget", "failed", "interrupted")


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
    budget: str | None = config.get("budget")
    limits = None if budget is None else parse_budget(budget)
    lines = [
        *chosen_lines(rows, attrs, directory, chosen, running=running),
        *round_lines(attrs),
        *_image_lines(attrs),
        *_trial_lines(rows),
        *proof_lines(attrs, chosen),
        *_trust_lines(study, running=running),
        *spending_lines(costs_from(rows, attrs), limits),
        *_next_lines(directory, limits, rows, chosen, running=running),
    ]
    width = max(len(title) for title, _ in lines)
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(width=width, style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for title, text in lines:
        grid.add_row(title, Text(text))
    table = trial_table(rows, measure=config.get("objective", "rankme"), chosen=chosen)
    return Group(table, Text(), grid)


def _image_lines(attrs: Mapping[str, Any]) -> list[tuple[str, str]]:
    images: Mapping[str, int] = attrs.get("images", {})
    if not images:
        return []
    text = f"{images['train']} to train on, {images['measure']} to measure on"
    text += f", {images['probe']} labelled for the probe" if images["probe"] else ""
    return [("images", text + (f"; {images['skipped']} unreadable" if images["skipped"] else ""))]


def _trial_lines(rows: Sequence[TrialRow]) -> list[tuple[str, str]]:
    own = [row for row in rows if row.replicate_of is None]
    counts = {state: sum(row.state == state for row in own) for state in _ENDED_EARLY}
    early = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    finished = sum(row.state == "finished" for row in own)
    text = f"{len(own)} started, {finished} finished" + (f", {early}" if early else "")
    if again := len(rows) - len(own):
        text += f"; {again} replicate{'s' if again > 1 else ''} under other seeds"
    return [("trials", text)]


def _trust_lines(study: optuna.Study, *, running: bool) -> list[tuple[str, str]]:
    if running or len(study.directions) != 1:
        return []
    return trust_lines(trust(read_evidence(study)))


def _next_lines(
    directory: StudyDirectory,
    limits: Limits | None,
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
    more = f"--trials {2 * sum(row.replicate_of is None for row in rows)}"
    if limits is not None:
        more += f" --budget {shlex.quote(str(limits * 2))}"
    return [("next", f"goldilocks run --config {file} {more}    (searches on)")]
