"""The measures of a file of embeddings as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpo.score.reading import EmbeddingsFile
from hpo.score.rows import ScoreRow, score_rows, verdict
from objectives.alpha_req import GOLDILOCKS_ZONE, zone_distance

if TYPE_CHECKING:
    from objectives.assessment import Assessment

HEADER = ("measure", "value", "good", "layer", "note")


def score_table(assessment: Assessment, file: EmbeddingsFile, *, layer: str) -> RenderableType:
    """Build what is shown: the verdict, what was measured, and every measure.

    Args:
        assessment: of the file's embeddings.
        file: that was measured.
        layer: what the embeddings are, "backbone" or "projector".
    """
    style = "red" if assessment.collapse.collapsed else "green"
    head = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    head.add_column(style="bold", no_wrap=True)
    head.add_column(overflow="fold")
    head.add_row("verdict", Text(verdict(assessment), style=style))
    head.add_row("file", Text(file.source))
    head.add_row("measured", Text(describe_file(file)))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in HEADER:
        right, whole = title == "value", title in ("measure", "value")
        table.add_column(title, justify="right" if right else "left", no_wrap=whole)
    for row in score_rows(assessment):
        table.add_row(*(Text(cell) for cell in cells_of(row, layer)))
    return Group(head, Text(), table) if table.row_count else head


def cells_of(row: ScoreRow, layer: str) -> tuple[str, ...]:
    """Return a row's cells under `HEADER`."""
    value = "-" if row.value is None else format(row.value, ".5g")
    shown = layer if row.record is None else row.record.layer
    return row.measure, value, row.good or "-", shown, row.note


def describe_file(file: EmbeddingsFile) -> str:
    """Return the sizes and the dtype of what was measured.

    >>> import torch
    >>> from pathlib import Path
    >>> describe_file(EmbeddingsFile(Path("z.npy"), "z.npy", torch.zeros(1000, 64)))
    '1000 samples of 64 dimensions, float32; no views'
    """
    n_samples, dim = file.embeddings.shape
    text = f"{n_samples} samples of {dim} dimensions, {_dtype(file)}; "
    if file.views is None:
        return text + "no views"
    n_images, n_views, _ = file.views.shape
    text += f"{n_views} views of each of {n_images} images"
    first = "; what needs no views is measured on the first view of each image"
    return text + first if file.first_views else text


def to_json(assessment: Assessment, file: EmbeddingsFile, *, layer: str) -> dict[str, Any]:
    """Return all that was measured in terms of strict JSON: what is undefined is None, with a note.

    Args:
        assessment: of the file's embeddings.
        file: that was measured.
        layer: what the embeddings are, "backbone" or "projector".
    """
    fit, views = assessment.alpha, file.views
    report: dict[str, Any] = {
        "format": 1,
        "file": str(file.path),
        "source": file.source,
        "layer": layer,
        "n_samples": file.embeddings.shape[0],
        "dim": file.embeddings.shape[1],
        "dtype": _dtype(file),
        "n_images": None if views is None else views.shape[0],
        "n_views": None if views is None else views.shape[1],
        "first_views": file.first_views,
        "collapse": asdict(assessment.collapse) | {"collapsed": assessment.collapse.collapsed},
        "measures": {},
        "alpha": None,
    }
    for row in score_rows(assessment):
        entry = {"value": row.value, "good": row.good or None, "note": row.note or None}
        entry["record"] = None if row.record is None else json.loads(row.record.to_json())
        report["measures"][row.measure] = entry
    if fit is not None:
        report["alpha"] = asdict(fit) | {
            "valid": fit.valid,
            "zone": GOLDILOCKS_ZONE,
            "zone_distance": zone_distance(fit.alpha),
        }
    return {key: _strict(value) for key, value in report.items()}


def _dtype(file: EmbeddingsFile) -> str:
    return str(file.embeddings.dtype).removeprefix("torch.")


def _strict(value: Any) -> Any:
    """JSON has neither nan nor infinity."""
    if isinstance(value, Mapping):
        return {key: _strict(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
