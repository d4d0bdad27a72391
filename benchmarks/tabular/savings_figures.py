"""What a strategy spent and lost over many arrivals, as figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.tabular.savings_ours import Spent
from benchmarks.tabular.savings_table import TableCell

POINT = 0.01
COMPUTE_TARGET, PROBES_TARGET = 0.2, 0.1
_N_RESAMPLED = 10_000
_SLACK = 1e-9
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Best:
    """The best of a cell by one accuracy.

    Args:
        number: its trial in the table.
        accuracy: of it; the largest of as many noisy figures as there are trials, so too high.
        error: standard error of an accuracy on as many images, √(p (1 − p) / n).
    """

    number: int
    accuracy: float
    error: float


def best_of(cell: TableCell, figure: str) -> Best:
    """Return the best model of a cell, among all that were trained to the end.

    Args:
        cell: of the table.
        figure: "pooled" or "reported".
    """
    final = {number: float(getattr(a, figure)) for number, a in cell.final.items()}
    number = max(final, key=lambda n: (final[n], -n))
    n_images = cell.n_report + (cell.n_fit if figure == "pooled" else 0)
    p = final[number]
    return Best(number, p, math.sqrt(p * (1 - p) / n_images))


@dataclass(frozen=True)
class Result:
    """One strategy on one arrival.

    Args:
        compute: epochs, as a share of training every trial to the end.
        probes: as a share of probing every trial once.
        pooled: regret of the choice by the pooled accuracy; inf where nothing was chosen.
        reported: the same by the accuracy that no choice has seen.
    """

    compute: float
    probes: float
    pooled: float
    reported: float


def result_of(
    cell: TableCell, numbers: Sequence[int], spent: Spent, best: Mapping[str, Best]
) -> Result:
    """Judge what a strategy spent and chose.

    Args:
        cell: of the table.
        numbers: of its trials, in the order in which they came.
        spent: by the strategy.
        best: of the cell, by "pooled" and "reported".
    """
    n = len(numbers)
    shares = spent.epochs / (n * cell.rungs[-1]), spent.probes / n
    if spent.chosen is None:
        return Result(*shares, math.inf, math.inf)
    place, epoch = spent.chosen
    model = cell.accuracies[numbers[place], epoch]
    return Result(
        *shares,
        best["pooled"].accuracy - model.pooled,
        best["reported"].accuracy - model.reported,
    )


def figures(results: Sequence[Result], best: Mapping[str, Best]) -> dict[str, Any]:
    """Reduce a strategy's results on one cell; shares and accuracies in [0, 1].

    Returns:
        Means of `compute` and `probes` with the largest; by figure the regret, and how often it
        is within a point, or within the larger of a point and a standard error; `met`, how often
        all three parts of the target hold at once. A choice of nothing is never within.
    """
    compute, probes = _column(results, "compute"), _column(results, "probes")
    cheap = (compute <= COMPUTE_TARGET + _SLACK) & (probes <= PROBES_TARGET + _SLACK)
    found: dict[str, Any] = {
        "compute": float(compute.mean()),
        "compute_largest": float(compute.max()),
        "probes": float(probes.mean()),
        "probes_largest": float(probes.max()),
        "cheap": float(cheap.mean()),
    }
    for figure in ("pooled", "reported"):
        regret = _column(results, figure)
        within = regret <= POINT + _SLACK
        wider = regret <= max(POINT, best[figure].error) + _SLACK
        chosen = regret[np.isfinite(regret)]
        found[figure] = {
            "within_point": float(within.mean()),
            "within_point_or_error": float(wider.mean()),
            "met": float((within & cheap).mean()),
            "unchosen": float(1 - len(chosen) / len(regret)),
            "regret_mean": float(chosen.mean()) if len(chosen) else None,
            "regret_median": float(np.median(chosen)) if len(chosen) else None,
            "regret_worst": float(chosen.max()) if len(chosen) else None,
        }
    return found


def over_cells(by_cell: Mapping[str, Mapping[str, Any]], path: Sequence[str]) -> dict[str, Any]:
    """Return the mean of a figure over cells, its 95 % interval, and the least cell's.

    The interval is that of cells drawn again with replacement; None for fewer than three cells,
    which say nothing about other cells.

    Args:
        by_cell: figures by cell.
        path: names that lead to the figure.
    """
    values = np.array([_at(found, path) for found in by_cell.values()], dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return {"mean": None, "interval": None, "least": None, "largest": None, "n": 0}
    interval = None
    if len(values) >= 3:
        rng = np.random.default_rng(0)
        means = rng.choice(values, (_N_RESAMPLED, len(values))).mean(axis=1)
        interval = [float(q) for q in np.quantile(means, [0.025, 0.975])]
    return {
        "mean": float(values.mean()),
        "interval": interval,
        "least": float(values.min()),
        "largest": float(values.max()),
        "n": len(values),
    }


def _column(results: Sequence[Result], name: str) -> Numbers:
    return np.array([getattr(result, name) for result in results], dtype=float)


def _at(found: Mapping[str, Any], path: Sequence[str]) -> float:
    value: Any = found
    for name in path:
        value = value[name]
    return math.nan if value is None else float(value)
