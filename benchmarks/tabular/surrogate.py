"""A cell as a function of its hyperparameters: random forests over the trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from benchmarks.tabular.reading import CellTable
from hpo.trust.ranking import Floats

_PREFIX = "hyperparameter."
_N_TREES = 200
_LOG_FROM = 20.0
"""A range over this many times its low end was drawn on a logarithmic scale."""


@dataclass(frozen=True)
class Forest:
    """A random forest whose predictions for one point take microseconds, not milliseconds.

    Args:
        model: a fitted `RandomForestRegressor`.
        r_squared: out of bag.
        tau: Kendall's τ of the out-of-bag predictions.
    """

    model: Any
    r_squared: float
    tau: float

    @cached_property
    def _trees(self) -> tuple[np.ndarray[Any, Any], ...]:
        trees = [tree.tree_ for tree in self.model.estimators_]
        size = max(tree.node_count for tree in trees)

        def padded(name: str) -> np.ndarray[Any, Any]:
            columns = [np.ravel(getattr(tree, name)) for tree in trees]
            return np.stack([np.pad(column, (0, size - len(column))) for column in columns])

        names = ("children_left", "children_right", "feature", "threshold", "value")
        return tuple(padded(name) for name in names)

    def predict(self, point: Floats) -> float:
        """Predict for one point, shape (n_features,)."""
        left, right, feature, threshold, value = self._trees
        rows, node = np.arange(len(left)), np.zeros(len(left), dtype=np.int64)
        # float32, as the library compares.
        at = point.astype(np.float32)
        while True:
            inner = left[rows, node] >= 0
            # Padding never is reached; a leaf's children are -1.
            if not inner.any():
                return float(value[rows, node].mean())
            below = at[feature[rows, node]] <= threshold[rows, node]
            step = np.where(below, left[rows, node], right[rows, node])
            node = np.where(inner, step, node)


@dataclass(frozen=True)
class Axis:
    """One hyperparameter as the search sees it.

    Args:
        name: the hyperparameter's.
        low: smallest value drawn; of categories the first.
        high: largest value drawn.
        log: whether it was drawn on a logarithmic scale.
        choices: of a categorical one.
    """

    name: str
    low: float
    high: float
    log: bool
    choices: tuple[float, ...] = ()

    def encoded(self, value: float) -> float:
        """Return the value as the forests see it."""
        return float(np.log(value)) if self.log or self.choices else float(value)


@dataclass(frozen=True)
class Surrogate:
    """What a trial would have scored at any point of the space.

    Args:
        axes: the hyperparameters that vary.
        accuracy: forest of the pooled accuracy.
        moved: forest of the distance from initialisation.
        dead: forest of the chance to collapse or diverge.
        scores: forest of each candidate's value.
        reference: highest predicted accuracy over many random points and the table's own.
    """

    axes: tuple[Axis, ...]
    accuracy: Forest
    moved: Forest
    dead: Forest
    scores: Mapping[str, Forest]
    reference: float


def fit_surrogate(cell: CellTable, scores: Mapping[str, pd.Series]) -> Surrogate:
    """Fit forests on the trials of a cell that were trained to the end; of deaths, on all.

    Args:
        cell: the cell.
        scores: by candidate, its value of each trial; those without a finite one are left out.
    """
    final = cell.final
    axes = _axes(final)
    points = _points(final, axes)
    accuracy = _forest(points, final["accuracy"])
    rng = np.random.default_rng(0)
    drawn = np.column_stack([_random(axis, rng, 4096) for axis in axes])
    reference = float(accuracy.model.predict(np.vstack([points, drawn])).max())
    return Surrogate(
        axes,
        accuracy,
        moved=_forest(points, final["measure.moved"]),
        dead=_forest(_points(cell.ended, axes), (cell.ended["state"] != "finished").astype(float)),
        scores={name: _forest(points, each) for name, each in scores.items()},
        reference=reference,
    )


def _axes(final: pd.DataFrame) -> tuple[Axis, ...]:
    axes = []
    for column in final.columns:
        name = column.removeprefix(_PREFIX)
        if column == name or name == "projector_width" or final[column].isna().any():
            continue
        values = pd.to_numeric(final[column], errors="coerce")
        if values.isna().any() or values.nunique() < 2:
            continue
        low, high = float(values.min()), float(values.max())
        axes.append(Axis(name, low, high, log=low > 0 and high / low > _LOG_FROM))
    widths = tuple(sorted(float(w) for w in final["width"].unique()))
    return (*axes, Axis("projector_width", widths[0], widths[-1], log=False, choices=widths))


def _points(rows: pd.DataFrame, axes: Sequence[Axis]) -> Floats:
    columns = [
        rows["width" if axis.choices else f"{_PREFIX}{axis.name}"].astype(float).map(axis.encoded)
        for axis in axes
    ]
    return np.column_stack(columns)


def _random(axis: Axis, rng: np.random.Generator, n: int) -> Floats:
    if axis.choices:
        widths: Floats = np.log(rng.choice(np.array(axis.choices), n))
        return widths
    return rng.uniform(axis.encoded(axis.low), axis.encoded(axis.high), n)


def _forest(points: Floats, target: pd.Series) -> Forest:
    from sklearn.ensemble import RandomForestRegressor

    known = np.isfinite(target.to_numpy(dtype=float))
    x, y = points[known], target.to_numpy(dtype=float)[known]
    if not len(y):  # undefined for every trial: a constant says so
        x, y = points, np.zeros(len(points))
    model = RandomForestRegressor(_N_TREES, oob_score=True, random_state=0).fit(x, y)
    constant = np.ptp(y) == 0
    tau = np.nan if constant else kendalltau(model.oob_prediction_, y).statistic
    return Forest(model, np.nan if constant else float(model.oob_score_), float(tau))
