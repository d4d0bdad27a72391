"""A ranking as a table for people, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hpo.rank.cautions import cautions
from hpo.rank.command import Ranking
from hpo.rank.conditions import Measured
from hpo.rank.ranking import WHY_DEFAULT, Group, Standing, rank_share, ranked, value_of
from hpo.score.rows import GOOD, describe_fit
from objectives import get_measure

_ALSO_SHOWN = ("rankme", "alpha_req", "lidar")


def ranking_page(ranking: Ranking) -> RenderableType:
    """Build what is shown: what was done, the places, notes, and what to keep in mind."""
    measure, groups = ranking.options.measure, _groups(ranking)
    why = "" if ranking.options.measures else f", because {WHY_DEFAULT}"
    parts: list[RenderableType] = [
        Text(f"ranked by {measure} ({GOOD[get_measure(measure).direction]} is good){why}"),
        Text(f"measured on {_measured_on(ranking)}"),
    ]
    for group in groups:
        parts += [Text(), _table(ranking, group)]
    notes = [f"{row.name}: {note}" for row in ranking.rows for note in _notes(row, measure)]
    if notes:
        parts += [Text(), *(Text(note) for note in notes)]
    kept = _cautions(ranking)
    if kept:
        parts += [Text(), Text("Keep in mind:", style="bold")]
        parts += [Text(f"- {sentence}") for sentence in kept]
    return Lines(*parts)


def ranking_record(ranking: Ranking) -> dict[str, Any]:
    """Return all that was measured in terms of strict JSON: what is undefined is None."""
    options, conditions = ranking.options, ranking.conditions
    groups = _groups(ranking)
    standings = {id(s.measured): s for group in groups for s in group.standings}
    return {
        "format": 1,
        "measure": options.measure,
        "good": GOOD[get_measure(options.measure).direction],
        "measured_as": {
            "data": options.data,
            "images": conditions.image_digest(),
            "n_images": len(conditions.images),
            "image_size": conditions.images.shape[-1],
            "channels": conditions.images.shape[1],
            "views": asdict(conditions.recipe),
            "n_views": conditions.n_views,
            "seed": conditions.seed,
            "about_mean": conditions.centred,
        },
        "groups": [
            {
                "dims": list(group.dims),
                "best_first": [s.measured.name for s in group.standings if s.place is not None],
            }
            for group in groups
        ],
        "backbones": [
            _record(row, standings[id(row)], len(conditions.images)) for row in ranking.rows
        ],
        "failed": dict(ranking.failed),
        "cautions": list(_cautions(ranking)),
        "stopped": ranking.stopped or None,
    }


def _groups(ranking: Ranking) -> tuple[Group, ...]:
    options = ranking.options
    return ranked(ranking.rows, options.measure, across_widths=options.across_widths)


def _cautions(ranking: Ranking) -> tuple[str, ...]:
    images = ranking.conditions.images
    return cautions(
        ranking.rows,
        ranking.options.measure,
        n_images=len(images),
        image_size=images.shape[-1],
        across_widths=ranking.options.across_widths,
    )


def _measured_on(ranking: Ranking) -> str:
    n, channels, size, _ = ranking.conditions.images.shape
    kind = "grey" if channels == 1 else "colour"
    about = ", features about their mean" if ranking.conditions.centred else ""
    return (
        f"{n} {kind} images of {size} pixels from {ranking.options.data}, "
        f"{ranking.conditions.n_views} views of each{about}"
    )


def _table(ranking: Ranking, group: Group) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shares = len({row.dim for row in ranking.rows}) > 1
    measures = _columns(ranking)
    table.add_column("place", justify="right", no_wrap=True)
    table.add_column("checkpoint", overflow="fold")
    table.add_column("architecture", overflow="fold")
    table.add_column("width", justify="right")
    for name in measures:
        table.add_column(name, justify="right")
    extra = _extra(ranking, shares=shares)
    for title in extra:
        table.add_column(title, justify="right")
    table.add_column("verdict", overflow="fold")
    for standing in group.standings:
        row = standing.measured
        figures = [value_of(row, name) for name in measures]
        figures += [_figure(row, title, len(ranking.conditions.images)) for title in extra]
        cells = [
            "-" if standing.place is None else str(standing.place),
            row.name,
            row.architecture,
            str(row.dim),
            *(_number(figure) for figure in figures),
            _verdict(row),
        ]
        style = "dim" if row.is_untrained else "red" if row.assessment.collapse.collapsed else ""
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def _columns(ranking: Ranking) -> list[str]:
    asked = ranking.options.measures
    return list(dict.fromkeys(asked or (ranking.options.measure, *_ALSO_SHOWN)))


def _extra(ranking: Ranking, *, shares: bool) -> list[str]:
    found = ["rankme/most"] if shares else []
    found += ["moved"] if ranking.options.untrained else []
    return found + (["knn", "linear"] if ranking.options.check_labels else [])


def _figure(row: Measured, title: str, n_images: int) -> float:
    if title == "rankme/most":
        return rank_share(row, n_images)
    if title == "moved":
        return math.nan if row.moved is None else row.moved
    return row.accuracies.get(title, math.nan)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else format(value, ".4g")


def _verdict(row: Measured) -> str:
    kind = row.assessment.collapse.kind
    return "alive" if kind is None else f"collapsed ({kind})"


def _notes(row: Measured, measure: str) -> Iterator[str]:
    if row.assessment.collapse.collapsed:
        yield row.assessment.collapse.reason
    yield from row.notes
    if row.normalised not in ("card", ""):
        yield f"normalised with {row.normalised}, for its file does not say with what"
    fit = row.assessment.alpha
    if measure == "alpha_req" and fit is not None and not fit.valid:
        yield f"alpha_req {describe_fit(fit)}"
    if math.isnan(value_of(row, measure)) and measure in row.assessment.notes:
        yield f"{measure}: {row.assessment.notes[measure]}"


def _record(row: Measured, standing: Standing, n_images: int) -> dict[str, Any]:
    found = row.assessment
    return {
        "checkpoint": row.name,
        "place": standing.place,
        "value": _finite(standing.value),
        "architecture": row.architecture,
        "method": row.method,
        "dim": row.dim,
        "untrained": row.is_untrained,
        "sha256": row.sha256 or None,
        "normalised": row.normalised or None,
        "collapse": {"kind": found.collapse.kind, "reason": found.collapse.reason or None},
        "measures": {v.record.measure: _finite(v.value) for v in found.values},
        "records": {v.record.measure: v.record.digest() for v in found.values},
        "rankme_share": _finite(rank_share(row, n_images)),
        "moved": None if row.moved is None else _finite(row.moved),
        "accuracies": {name: _finite(value) for name, value in row.accuracies.items()},
        "notes": [*row.notes, *(f"{name}: {text}" for name, text in found.notes.items())],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
