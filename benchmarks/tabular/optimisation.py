"""Candidates under optimisation: Optuna's TPE drives each over a cell's surrogate."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import optuna
import pandas as pd

from benchmarks.tabular.candidates import Candidate
from benchmarks.tabular.evaluation import rungs_of
from benchmarks.tabular.reading import LEAST_MOVED, CellTable
from benchmarks.tabular.surrogate import Axis, Forest, Surrogate, fit_surrogate
from hpo.trust.ranking import Floats

DRIVERS = (
    "rankme",
    "rankme_backbone",
    "alpha_req",
    "lidar",
    "ssl_loss",
    "moved",
    "view_retrieval",
    "guarded_alpha",
    "guarded_rank",
    "guarded_lidar",
    "retrieval_both",
    "retrieval_idest",
    "alpha_high",
    "idest",
)
"""Published and guarded ones and what these are made of; the chosen default is driven too."""

LABELS, RANDOM = "accuracy itself", "random search"
N_TRIALS = 40
_DEAD = 0.5


def optimised(cell: CellTable, candidates: list[Candidate], *, repeats: int) -> dict[str, Any]:
    """Search a cell's surrogate with each candidate as the objective.

    The regret is in points against the surrogate's best accuracy, as far as anything found it. It
    is that of the pick, which must have moved and be alive (where none may be chosen the untrained
    network stands in), and that of the best trial that the search came by.

    Args:
        cell: the cell.
        candidates: those to drive the search.
        repeats: seeds of TPE.
    """
    rungs = rungs_of(cell, cell.epochs[-1])
    scores: dict[str, pd.Series] = {c.name: c.votes(rungs).iloc[:, 0] for c in candidates}
    surrogate = fit_surrogate(cell, scores)
    forests: dict[str, Forest | None] = {
        LABELS: surrogate.accuracy,
        **surrogate.scores,
        RANDOM: None,
    }
    runs = {
        name: [_one(surrogate, forest, seed, cell.untrained_accuracy) for seed in range(repeats)]
        for name, forest in forests.items()
    }
    reference = max(surrogate.reference, *(seen for found in runs.values() for _, seen in found))
    return {
        "axes": [axis.name for axis in surrogate.axes],
        "reference": reference,
        "out_of_bag": {
            name: [forest.r_squared, forest.tau]
            for name, forest in (
                ("accuracy", surrogate.accuracy),
                ("moved", surrogate.moved),
                ("dead", surrogate.dead),
                *surrogate.scores.items(),
            )
        },
        "regret": {name: _summary(found, reference) for name, found in runs.items()},
    }


def _one(
    surrogate: Surrogate, forest: Forest | None, seed: int, fallback: float
) -> tuple[float, float]:
    """Run one search; return the accuracy of its pick and of the best it saw."""
    sampler: optuna.samplers.BaseSampler = optuna.samplers.TPESampler(seed=seed)
    if forest is None:
        sampler = optuna.samplers.RandomSampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    space = {axis.name: _distribution(axis) for axis in surrogate.axes}
    values, accuracies, allowed = [], [], []
    for _ in range(N_TRIALS):
        trial = study.ask(space)
        point = np.array([axis.encoded(trial.params[axis.name]) for axis in surrogate.axes])
        alive = surrogate.dead.predict(point) < _DEAD
        value = 0.0 if forest is None else forest.predict(point)
        if alive:
            study.tell(trial, value)
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        values.append(value)
        accuracies.append(surrogate.accuracy.predict(point))
        allowed.append(alive and surrogate.moved.predict(point) >= LEAST_MOVED)
    pick = _pick(np.array(values), np.array(accuracies), np.array(allowed), fallback)
    return pick, max(accuracies)


def _pick(
    values: Floats,
    accuracies: Floats,
    allowed: np.ndarray[Any, np.dtype[np.bool_]],
    fallback: float,
) -> float:
    if not allowed.any():
        return fallback
    top = allowed & (values >= values[allowed].max() - 1e-12)
    return float(accuracies[top].mean())


def _distribution(axis: Axis) -> optuna.distributions.BaseDistribution:
    if axis.choices:
        return optuna.distributions.CategoricalDistribution(axis.choices)
    return optuna.distributions.FloatDistribution(axis.low, axis.high, log=axis.log)


def _summary(found: list[tuple[float, float]], reference: float) -> dict[str, float]:
    pick, seen = 100 * (reference - np.array(found).T)
    return {
        "pick": float(pick.mean()),
        "pick_standard_error": float(pick.std(ddof=1) / np.sqrt(len(pick))) if len(pick) > 1 else 0,
        "pick_worst": float(pick.max()),
        "best_seen": float(seen.mean()),
    }


def quiet() -> None:
    """Have Optuna say nothing: there are thousands of studies."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
