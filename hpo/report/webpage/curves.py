"""Every measure of every trial by epoch, as the page's plot wants it."""

from __future__ import annotations

import math
from typing import Any

from hpo.report.webpage.heading import direction_words
from hpo.report.webpage.json_values import json_value
from hpo.report.webpage.material import Material
from hpo.report.webpage.trials_table import KINDS, OPEN

MOST_VALUES = 120_000  # about a megabyte of the page
_NOT_SHOWN = ("seconds",)


def curves_of(material: Material, *, most_values: int = MOST_VALUES) -> dict[str, Any]:
    """Collect the learning curves.

    Args:
        material: of the study.
        most_values: at most so many numbers; with more, curves of trials are left out evenly over
            the order of their objectives, but never the chosen one's.

    Returns:
        "measures", each with its name and which way it is good; "shown", the name to begin with;
        "trials": number, state, kind, whether chosen, epochs, and values by measure, one list
        each, None for what is undefined; "n_trials", of all that have a curve.
    """
    measured = {row.number: material.measured(row.number) for row in material.own}
    measured = {number: rungs for number, rungs in measured.items() if rungs}
    names = _names(material, measured)
    kept = _thinned(material, measured, len(names), most_values)
    return {
        "measures": [{"name": name, "note": direction_words(name)} for name in names],
        "shown": material.objective if material.objective in names else next(iter(names), ""),
        "n_trials": len(measured),
        "trials": [
            {
                "number": row.number,
                "state": row.state,
                "kind": KINDS.get(row.state, OPEN),
                "chosen": row is material.chosen,
                "epochs": list(measured[row.number]),
                "values": [
                    [json_value(values.get(name)) for values in measured[row.number].values()]
                    for name in names
                ],
            }
            for row in material.own
            if row.number in kept
        ],
    }


def _names(material: Material, measured: dict[int, Any]) -> list[str]:
    """The objective and α first, then the rest by name; only what has a value somewhere."""
    found = {
        name
        for rungs in measured.values()
        for values in rungs.values()
        for name, value in values.items()
        if name not in _NOT_SHOWN and isinstance(value, int | float) and math.isfinite(value)
    }
    first = [name for name in (material.objective, "alpha_req", "rankme", "lidar") if name in found]
    return list(dict.fromkeys([*first, *sorted(found)]))


def _thinned(
    material: Material, measured: dict[int, Any], n_names: int, most_values: int
) -> set[int]:
    n_values = n_names * sum(len(rungs) for rungs in measured.values())
    if n_values <= most_values:
        return set(measured)
    n_kept = max(1, len(measured) * most_values // n_values)
    ranked = sorted(
        (row for row in material.own if row.number in measured),
        key=lambda row: (math.isnan(row.objective), row.objective, row.number),
    )
    step = len(ranked) / n_kept
    kept = {ranked[int(place * step)].number for place in range(n_kept)}
    return kept if material.chosen is None else kept | {material.chosen.number} & set(measured)
