"""The search spaces for people and for programs: all methods at a glance, or one in full.

Neither torch nor an engine is loaded: the question is asked before anything is to be trained.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

import search_spaces
from search_spaces import Categorical, Dimension, SearchSpace
from search_spaces.preset import GENERAL_PRESETS

_COMMON = ("lr", "weight_decay", "warmup_share", "projector_width")


def overview() -> RenderableType:
    """Build one line per method: what varies, and what is held unless it is asked for."""
    table = _table("method", "varies", "held", "presets")
    for name in search_spaces.method_names():
        space = search_spaces.get(name)
        papers = [preset for preset in search_spaces.presets(name) if preset not in GENERAL_PRESETS]
        table.add_row(
            Text(name, style="bold"),
            Text(", ".join(n for n in space if n not in _COMMON)),
            Text(", ".join(n for n in space.held if n not in _COMMON) or "-"),
            Text(", ".join(papers) or "-"),
        )
    general = ", ".join(GENERAL_PRESETS)
    return Group(
        table,
        Text(),
        Text(
            f"All vary lr and weight_decay and hold warmup_share; all have the presets {general}."
        ),
        Text("Where there is a projector, its width is held. One method in full: spaces METHOD."),
    )


def space_page(space: SearchSpace, *, optimizer: str, preset: str) -> RenderableType:
    """Build the page of one space: what varies, what is held and why, and what goes together.

    Args:
        space: to show.
        optimizer: that it is for.
        preset: that it is.
    """
    head = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    head.add_column(style="bold", no_wrap=True)
    head.add_column(overflow="fold")
    head.add_row("method", Text(space.method))
    head.add_row("optimizer", Text(optimizer))
    head.add_row("preset", Text(preset))
    for constraint in space.constraints:
        head.add_row("always", Text(str(constraint)))
    varies = _table("varies", "range", "scale", "default", "unit")
    for name, dimension in space.dimensions.items():
        varies.add_row(*(Text(cell) for cell in _cells(name, dimension)))
    held = _table("held", "value", "range", "unit", "why")
    for name, dimension in space.held.items():
        value, unit = _plain(space.fixed[name]), _unit(dimension)
        held.add_row(*map(Text, (name, value, _range(dimension), unit, dimension.held)))
    known = _table("known", "source", "what collapses a run")
    for name, dimension in {**space.dimensions, **space.held}.items():
        known.add_row(*map(Text, (name, dimension.source or "-", dimension.collapses or "-")))
    listed = _table("preset", "what it is")
    for name, what in _presets(space.method).items():
        listed.add_row(Text(name), Text(what))
    parts: list[RenderableType] = [head]
    for table in (varies, held, known, listed):
        parts += [Text(), table] if table.row_count else []
    return Group(*parts)


def space_record(space: SearchSpace, *, optimizer: str, preset: str) -> dict[str, Any]:
    """Return one space as plain data; the arguments are those of `space_page`.

    >>> record = space_record(search_spaces.get("simclr"), optimizer="adamw", preset="default")
    >>> record["varies"]["temperature"]["range"]
    [0.05, 1.0]
    """
    return {
        "method": space.method,
        "optimizer": optimizer,
        "preset": preset,
        "varies": {name: _record(d) for name, d in space.dimensions.items()},
        "held": {
            name: {**_record(d), "value": space.fixed[name], "why": d.held}
            for name, d in space.held.items()
        },
        "always": [str(constraint) for constraint in space.constraints],
        "presets": _presets(space.method),
    }


def to_json(record: object) -> str:
    """Return plain data as JSON."""
    return json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False)


def _presets(method: str) -> Mapping[str, str]:
    """A method of the user's own has the general ones."""
    return (
        search_spaces.presets(method) if method in search_spaces.method_names() else GENERAL_PRESETS
    )


def _record(dimension: Dimension) -> dict[str, Any]:
    fields = dataclasses.asdict(dimension)
    record: dict[str, Any] = {"kind": dimension.kind}
    if isinstance(dimension, Categorical):
        record["choices"] = list(dimension.choices)
    else:
        record |= {"range": [dimension.low, dimension.high], "log": dimension.log}
    record |= {key: fields[key] for key in ("default", "unit", "source", "collapses")}
    return {**record, "when": None if dimension.when is None else str(dimension.when)}


def _cells(name: str, dimension: Dimension) -> tuple[str, ...]:
    scale = "choices" if isinstance(dimension, Categorical) else "log" if dimension.log else "even"
    return (
        name,
        _range(dimension),
        scale,
        _plain(dimension.default),
        _unit(dimension),
    )


def _range(dimension: Dimension) -> str:
    if isinstance(dimension, Categorical):
        return "{" + ", ".join(map(_plain, dimension.choices)) + "}"
    return f"[{_plain(dimension.low)}, {_plain(dimension.high)}]"


def _unit(dimension: Dimension) -> str:
    unit = "-" if dimension.unit == "1" else dimension.unit
    if dimension.when is not None:
        return f"{unit} (when {dimension.when})"
    if isinstance(dimension, Categorical) and dimension.share_of_images is not None:
        return f"{unit}, at most {dimension.share_of_images:g} of the training images"
    return unit


def _plain(value: float | int | str) -> str:
    return (
        value
        if isinstance(value, str)
        else format(value, ".4g" if isinstance(value, float) else "")
    )


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, no_wrap=title == titles[0], overflow="fold")
    return table
