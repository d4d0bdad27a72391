"""The trials as rows of a table that a page can sort and filter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpo.budget import format_duration
from hpo.record import TrialRow
from hpo.report.webpage.json_values import shown
from hpo.report.webpage.material import Material

NUMBER, TEXT = "number", "text"
# What each state looks like beside its word: colour alone tells nothing to many.
KINDS = {
    "finished": "finished",
    "collapsed": "collapsed",
    "failed": "collapsed",
    "pruned": "stopped",
    "out of zone": "stopped",
    "out of budget": "stopped",
}
OPEN = "open"


@dataclass(frozen=True)
class Cell:
    """One cell.

    Args:
        text: as shown.
        key: what it is sorted by: a number, or the text in small letters; None sorts last.
    """

    text: str
    key: float | str | None


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        name: in its header.
        kind: "number" or "text".
        wide: whether its text may take the width that is left.
    """

    name: str
    kind: str
    wide: bool = False


@dataclass(frozen=True)
class Line:
    """One trial.

    Args:
        number: Optuna's.
        state: in words.
        kind: "finished", "stopped", "collapsed" or "open"; how it is marked.
        chosen: whether it was chosen.
        cells: one a column.
    """

    number: int
    state: str
    kind: str
    chosen: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class TrialsTable:
    """The table; `states` are those that occur, in the order of their first trial."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    states: tuple[str, ...]


def trials_table_of(material: Material) -> TrialsTable:
    """Lay out all trials, replicates too."""
    searched = searched_names(material)
    probed = any("cross_validated" in row.probe for row in material.rows)
    columns = [
        Column("trial", NUMBER),
        Column("state", TEXT),
        Column("epoch", NUMBER),
        Column(material.objective, NUMBER),
        *([Column("α", NUMBER)] if material.objective != "alpha_req" else []),
        Column("moved", NUMBER),
        *([Column("probe", NUMBER)] if probed else []),
        *(Column(name, _kind(material, name)) for name in searched),
        Column("time", NUMBER),
        Column("images/s", NUMBER),
        Column("why it ended", TEXT, wide=True),
    ]
    chosen = None if material.chosen is None else material.chosen.number
    lines = tuple(
        Line(
            row.number,
            row.state,
            KINDS.get(row.state, OPEN),
            row.number == chosen,
            tuple(_cells(material, row, searched, probed=probed)),
        )
        for row in material.rows
    )
    return TrialsTable(tuple(columns), lines, tuple(dict.fromkeys(r.state for r in material.rows)))


def searched_names(material: Material) -> list[str]:
    """Return the hyperparameters that were searched, in the order of the space."""
    return list(dict.fromkeys(name for trial in material.trials for name in trial.params))


def _kind(material: Material, name: str) -> str:
    values = [trial.params[name] for trial in material.trials if name in trial.params]
    return NUMBER if all(_is_number(value) for value in values) else TEXT


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cells(
    material: Material, row: TrialRow, searched: list[str], *, probed: bool
) -> Iterator[Cell]:
    yield Cell(str(row.number), row.number)
    yield Cell(row.state, row.state)
    yield Cell(str(row.epoch or "–"), row.epoch)
    yield _number(row.objective, ".4g")
    if material.objective != "alpha_req":
        yield _number(row.alpha, ".2f")
    yield _number(row.moved, ".2f")
    if probed:
        yield _number(row.probe.get("cross_validated", math.nan), ".3f")
    params = material.trials[row.number].params
    for name in searched:
        value = params.get(name)
        yield Cell(
            shown(value),
            value if _is_number(value) else None if value is None else str(value).lower(),
        )
    yield Cell(format_duration(row.seconds), row.seconds) if row.seconds else Cell("–", None)
    yield _number(row.images_per_second, ".0f")
    reason = _reason(row)
    yield Cell(reason, reason.lower() or None)


def _number(value: float, form: str) -> Cell:
    known = math.isfinite(value)
    return Cell(format(value, form) if known else "–", value if known else None)


def _reason(row: TrialRow) -> str:
    if row.replicate_of is None:
        return row.reason
    again = f"trial {row.replicate_of} again" + ("" if row.seed is None else f", seed {row.seed}")
    return f"{again}: {row.reason}" if row.reason else again
