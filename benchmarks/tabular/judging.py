"""The recorded trials judged by today's collapse gate, and scored by objectives added since."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hpo.history import Finding
from hpo.measuring import gain_of
from hpo.pruning import findings
from objectives import CollapseReport, EmbeddingStatistics, guarded_alpha_score

RECORDED = "recorded_"  # in front of the columns of collapse: what the gate said when it ran
_COLLAPSE = ("collapse", "collapse_layer", "collapse_clear")


def with_guarded_alpha(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the guarded α to rows of a table that was begun before there was one."""
    made = {}
    for layer in ("", "_projector"):
        name = f"measure.guarded_alpha{layer}"
        alpha, retrieval = f"measure.alpha_req{layer}", f"measure.view_retrieval{layer}"
        dead = f"measure.guarded_rank{layer}"
        if name not in rows and {alpha, retrieval, dead} <= set(rows):
            figures = zip(rows[alpha], rows[retrieval], rows[dead], strict=True)
            made[name] = [_score(*(float(figure) for figure in each)) for each in figures]
    return rows.assign(**made)


def _score(alpha: float, retrieval: float, guarded: float) -> float:
    # Behind a closed gate every guarded objective is the same.
    return guarded if guarded == -math.inf else guarded_alpha_score(alpha, retrieval)


def judged_again(rows: pd.DataFrame, initial: Mapping[str, Any]) -> pd.DataFrame:
    """Judge the collapses of rows by the gate as it is now.

    What was recorded as one can only turn into none or become less clear: the gate of old saw all
    that today's does. What it said stays in columns that begin with `recorded_`. A trial that ended
    as collapsed by what is none any more counts as finished.

    Args:
        rows: exported, with `collapse_clear`.
        initial: of the untrained network, as `benchmarks.tabular.untrained.initial` gives it.
    """
    records = [{str(k): v for k, v in row.items()} for _, row in rows.iterrows()]
    found = [finding_now(record, initial) for record in records]
    columns: dict[str, Any] = {
        "collapse": [None if f is None else f.kind for f in found],
        "collapse_layer": [None if f is None else f.layer for f in found],
        "collapse_clear": [None if f is None else f.clear for f in found],
        **{f"{RECORDED}{name}": rows[name] for name in _COLLAPSE},
    }
    again = rows.assign(**columns)
    last = rows.groupby("trial")["epoch"].transform("max") == rows["epoch"]
    freed = set(again["trial"][last & rows["collapse"].notna() & again["collapse"].isna()])
    free = again["trial"].isin(freed) & (again["state"] == "collapsed")
    again.loc[free, "state"] = "finished"
    again.loc[free, "reason"] = ""
    return again


def finding_now(row: Mapping[str, Any], initial: Mapping[str, Any]) -> Finding | None:
    """Return the collapse of a row by the product's own rule of today."""
    kind, layer, clear = (row.get(name) for name in _COLLAPSE)
    if not isinstance(kind, str):
        return None
    recorded = Finding(kind, str(layer), kind, clear=bool(clear))
    if layer != "projector":
        return recorded
    rank = float(row["measure.rankme_backbone"])
    return findings(
        CollapseReport(None, "", {} if math.isnan(rank) else {"rank": rank}),
        CollapseReport(kind, "as recorded", {}),  # type: ignore[arg-type]
        references=(EmbeddingStatistics(**initial["backbone"]), None),
        gain=gain_of(float(row["measure.view_retrieval"]), float(initial["retrieval"])),
    )
