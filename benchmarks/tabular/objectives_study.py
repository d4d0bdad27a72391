"""The study of objectives: which label-free score picks well, by itself and under optimisation.

    python -m benchmarks.tabular.objectives_study [--table DIR] [--out FILE] [--plots DIR]

Reads the table alone, trains nothing, and gives the same figures every time. Cells that are
missing or short are left out of what they are too short for.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.tabular.candidates import Candidate, candidates
from benchmarks.tabular.choosing import choose_default
from benchmarks.tabular.evaluation import bounds, cell_facts, evaluate, rungs_of, single
from benchmarks.tabular.labels import picks_by_labels
from benchmarks.tabular.objective_plots import regret_plot, scatter_plot
from benchmarks.tabular.objective_tables import tables
from benchmarks.tabular.optimisation import DRIVERS, optimised, quiet
from benchmarks.tabular.raw_results import as_text
from benchmarks.tabular.reading import TABLE, CellTable, read_table

RESULTS = Path(__file__).parents[1] / "results" / "objectives_study.json"
AGAINST_LABELS = ("rankme", "lidar", "alpha_req", "ssl_loss", "view_retrieval", "guarded_alpha")
_SHORTEST_SURROGATE = 20


def study(folder: Path, *, repeats: int) -> dict[str, Any]:
    """Return all figures.

    Args:
        folder: of the table.
        repeats: of TPE for each driver and cell; 0 leaves the surrogate out.
    """
    cells = read_table(folder)
    every = candidates()
    evaluated = {cell.name: {c.name: evaluate(cell, c) for c in every} for cell in cells}
    choice = choose_default(evaluated) if cells else {"chosen": None}
    wanted = dict.fromkeys([*AGAINST_LABELS, choice["chosen"]])
    driving = dict.fromkeys([*DRIVERS, choice["chosen"]])
    found: dict[str, Any] = {
        "versions": {n: version(n) for n in ("optuna", "scikit-learn", "scipy", "numpy")},
        "candidates": {c.name: {"family": c.family, "reason": c.reason} for c in every},
        "choice": choice,
        "repeats": repeats,
        "cells": {},
    }
    for cell in cells:
        found["cells"][cell.name] = {
            "facts": cell_facts(cell),
            "candidates": evaluated[cell.name],
            "bounds": bounds(cell),
            "labels": picks_by_labels(cell, _named(every, wanted)),
            "optimisation": optimised(cell, _named(every, driving), repeats=repeats)
            if repeats and len(cell.final) >= _SHORTEST_SURROGATE
            else None,
        }
    return found


def write_plots(found: dict[str, Any], table: Path, folder: Path) -> None:
    """Write the plots: regret on both halves, and accuracy over RankMe and over the default."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = found["choice"]["chosen"]
    if chosen is None:
        return
    (folder / "objectives_regret.svg").write_text(regret_plot(found))
    points = {
        candidate.name: {cell.name: _points(cell, candidate) for cell in read_table(table)}
        for candidate in _named(candidates(), dict.fromkeys(["rankme", "lidar", chosen]))
    }
    (folder / "objectives_scatter.svg").write_text(scatter_plot(points))


def _points(cell: CellTable, candidate: Candidate) -> list[tuple[float, float, bool]]:
    scores = single(candidate.votes(rungs_of(cell, cell.epochs[-1])))
    allowed = cell.competing(bar=True)
    return list(
        zip(scores.tolist(), cell.final["accuracy"].tolist(), allowed.tolist(), strict=True)
    )


def _named(every: list[Candidate], names: dict[str | None, None]) -> list[Candidate]:
    return [candidate for candidate in every if candidate.name in names]


def main() -> None:
    """Run the study, write the raw figures and the plots, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--plots", type=Path, help="folder to write SVG files to")
    parser.add_argument("--search", default="16", choices=["8", "16", "32", "all"])
    parser.add_argument("--repeats", type=int, default=12, help="of TPE; 100 take half an hour")
    options = parser.parse_args()
    quiet()
    if not read_table(options.table):
        parser.error(
            f"--table: {options.table} holds no cell with a trial that was trained to the end"
        )
    found = study(options.table, repeats=options.repeats)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(as_text(found))
    if options.plots:
        write_plots(found, options.table, options.plots)
    print(tables(found, search=options.search))


if __name__ == "__main__":
    main()
