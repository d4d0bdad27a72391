"""The table of trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from rich.table import Table
from rich.text import Text

from hpo.budget import format_duration
from hpo.record import TrialRow

_STYLES = {
    "finished": "green",
    "running": "cyan",
    "collapsed": "red",
    "failed": "red",
    "pruned": "yellow",
    "out of zone": "yellow",
    "out of budget": "yellow",
    "interrupted": "magenta",
    "waiting": "dim",
}
_NARROW = 13  # the name of a measure may be long; its values are not
Justify = Literal["left", "right"]


def trial_table(rows: Sequence[TrialRow], *, measure: str, chosen: int | None = None) -> Table:
    """Build the table of trials.

    Args:
        rows: the trials.
        measure: name of the measure that is optimised; α is always shown.
        chosen: number of the chosen trial, if there is one.
    """
    shown = measure if measure != "alpha_req" else "lidar"
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    columns: tuple[tuple[str, Justify], ...] = (
        ("trial", "right"),
        ("state", "left"),
        ("epoch", "right"),
        (shown, "right"),
        ("α", "right"),
        ("moved", "right"),
        ("time", "right"),
        ("img/s", "right"),
        ("reason", "left"),
    )
    for title, justify in columns:
        # Only the reason and the name of the measure may be broken into lines.
        breaks = title in (shown, "reason")
        table.add_column(
            _in_lines(title) if title == shown else title,
            justify=justify,
            overflow="fold",
            no_wrap=not breaks,
            max_width=_NARROW if title == shown else None,
        )
    for row in rows:
        mark = " *" if row.number == chosen else ""
        table.add_row(
            f"{row.number}",
            Text(row.state + mark, style=_STYLES.get(row.state, "")),
            str(row.epoch or "-"),
            number(row.values.get(shown), ".2f"),
            number(row.alpha, ".2f"),
            number(row.moved, ".2f"),
            format_duration(row.seconds) if row.seconds else "-",
            number(row.images_per_second, ".0f"),
            _reason(row),
        )
    return table


def _in_lines(name: str) -> str:
    head, _, last = name.rpartition("_")
    return f"{head}_\n{last}" if len(name) > _NARROW and head else name


def number(value: float | None, form: str) -> str:
    """Write a number in a format; "-" for one that is unknown or not finite."""
    return "-" if value is None or not math.isfinite(value) else format(value, form)


def _reason(row: TrialRow) -> str:
    if row.replicate_of is None:
        return "; ".join(text for text in (row.origin, row.reason) if text)
    again = f"{row.replicate_of} again" + ("" if row.seed is None else f", seed {row.seed}")
    return f"{again}: {row.reason}" if row.reason else again
