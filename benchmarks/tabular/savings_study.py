"""The study of savings: what each strategy spends, and how near it comes, over many orders.

    python -m benchmarks.tabular.savings_study [--table DIR] [--shuffles N] [--out FILE]

The trials of each cell of the table come in random orders, one after the other, to every
strategy; ours are played by the product's own rules. Nothing is trained.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import optuna

from benchmarks.tabular.savings_arrivals import Measured, orders_of
from benchmarks.tabular.savings_figures import Result, best_of, figures, over_cells, result_of
from benchmarks.tabular.savings_pages import cell_page, page
from benchmarks.tabular.savings_strategies import strategies
from benchmarks.tabular.savings_table import TableCell, read_cells

TABLE = Path(__file__).parent / "data"
RESULTS = Path(__file__).parents[1] / "results" / "savings_study.json"


def study_of(cells: list[TableCell], *, shuffles: int, seed: int) -> dict[str, Any]:
    """Play every strategy on every cell."""
    found: dict[str, dict[str, Any]] = {name: {} for each in strategies() for name in each.names}
    seconds = 0.0
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        playing = {pool.submit(played, cell, shuffles, seed): cell.name for cell in cells}
        for done in as_completed(playing):
            by_strategy, taken = done.result()
            seconds += taken
            for name, own in by_strategy.items():
                found[name][playing[done]] = own
            print(f"{playing[done]}: played", flush=True)
    order = [cell.name for cell in cells]
    found = {name: {cell: by_cell[cell] for cell in order} for name, by_cell in found.items()}
    return {
        "shuffles": shuffles,
        "seed": seed,
        "cells": {cell.name: conditions_of(cell) for cell in cells},
        "strategies": {
            name: {"over_cells": summary(by_cell), "cells": by_cell}
            for name, by_cell in found.items()
        },
        "cpu_seconds": round(seconds, 1),
    }


def played(cell: TableCell, shuffles: int, seed: int) -> tuple[dict[str, dict[str, Any]], float]:
    """Play all strategies on all orders of one cell.

    Args:
        cell: of the table.
        shuffles: orders.
        seed: of them.

    Returns:
        Figures by strategy, and seconds of the processor.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    started = time.process_time()
    best = {figure: best_of(cell, figure) for figure in ("pooled", "reported")}
    plays = [(each, each.prepared(cell)) for each in strategies()]
    results: dict[str, list[Result]] = {name: [] for each, _ in plays for name in each.names}
    for k, order in enumerate(orders_of(Measured(cell), shuffles, seed)):
        for strategy, play in plays:
            if k and not strategy.ordered:
                continue
            for name, spent in zip(strategy.names, play(order), strict=True):
                results[name].append(result_of(cell, order.numbers, spent, best))
    seconds = time.process_time() - started
    return {name: figures(own, best) for name, own in results.items()}, seconds


def summary(by_cell: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return each figure over cells."""
    of = (
        *("within_point", "within_point_or_error", "met", "unchosen"),
        *("regret_mean", "regret_median", "regret_worst"),
    )
    judged = [(figure, name) for figure in ("pooled", "reported") for name in of]
    paths: list[tuple[str, ...]] = [("compute",), ("probes",), *judged]
    return {".".join(path): over_cells(by_cell, path) for path in paths}


def conditions_of(cell: TableCell) -> dict[str, Any]:
    """Return what a cell's figures rest on."""
    best = {figure: best_of(cell, figure) for figure in ("pooled", "reported")}
    final = cell.final
    pooled = sorted((a.pooled for a in final.values()), reverse=True)
    last = {n: own[-1] for n, own in cell.readings.items() if own}
    number = best["pooled"].number
    return {
        "trials": len(cell.readings),
        "rungs": list(cell.rungs),
        "n_fit": cell.n_fit,
        "n_report": cell.n_report,
        "best_trial": number,
        "best_pooled": best["pooled"].accuracy,
        "standard_error": best["pooled"].error,
        "best_reported": best["reported"].accuracy,
        "standard_error_reported": best["reported"].error,
        "within_point": sum(a >= pooled[0] - 0.01 for a in pooled),
        "median_pooled": pooled[len(pooled) // 2],
        "worst_pooled": pooled[-1],
        "seed_spread": cell.seed_spread,
        "best_trial_called_collapsed": last[number].finding is not None,
        "best_trial_alpha": last[number].values.get("alpha_req"),
        "knows_how_clear_a_collapse_is": cell.knows_clear,
    }


def main() -> None:
    """Play, write the raw result, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--shuffles", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.shuffles < 1:
        parser.error(f"shuffles: got {options.shuffles}; wanted at least 1 order.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    cells = read_cells(options.table)
    if not cells:
        parser.error(f"table: no cell with a finished trial in {options.table}.")
    result = study_of(cells, shuffles=options.shuffles, seed=options.seed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    print(cell_page(result), page(result), sep="\n\n")


if __name__ == "__main__":
    main()
