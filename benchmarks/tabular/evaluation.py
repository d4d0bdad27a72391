"""Everything the study says of one cell: correlations, regret, behaviour by epoch, noise."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tabular.candidates import Candidate, Rungs, rungs_at
from benchmarks.tabular.reading import CellTable
from benchmarks.tabular.regret import SEARCHES, Searches, draw_searches
from hpo.trust.ranking import Correlation, Floats, tau_and_rho

_ALL = "all"
_PLACES = 5


def cell_facts(cell: CellTable) -> dict[str, Any]:
    """Return what is true of a cell whatever chooses: its trials, its noise, its oracle."""
    final = cell.final
    accuracy = final["accuracy"].to_numpy()
    return {
        "trials_ended": len(cell.ended),
        "trained_to_the_end": len(final),
        "may_be_chosen_without_bar": int(cell.competing(bar=False).sum()),
        "may_be_chosen": int(cell.competing(bar=True).sum()),
        "best": cell.best,
        "best_that_may_be_chosen": float(final["accuracy"][cell.competing(bar=True)].max()),
        "quartiles": [float(q) for q in np.quantile(accuracy, [0, 0.25, 0.5, 0.75, 1])],
        "untrained": cell.untrained_accuracy,
        "pixels": cell.pixels_accuracy,
        "better_than_pixels": int((accuracy > cell.pixels_accuracy).sum()),
        "standard_error_of_best_points": 100 * cell.standard_error(cell.best),
        **_seed_noise(cell),
        "best_of_cell_less_best_of_search_points": {
            key: 100 * float((cell.best - drawn.best).mean())
            for key, drawn in searches(cell).items()
        },
    }


@cache
def searches(cell: CellTable, *, reported: bool = False) -> dict[str, Searches]:
    """Draw the searches of every length that the cell is long enough for.

    Args:
        cell: the cell.
        reported: whether accuracies are those of the probe's reporting part alone.

    Returns:
        By length as text, "all" for one search of all trials.
    """
    accuracies = cell.final["probe.reported" if reported else "accuracy"].to_numpy()
    fallback = float(cell.untrained["reported"]) if reported else cell.untrained_accuracy
    drawn = {
        str(length or _ALL): draw_searches(
            accuracies, len(cell.ended), length, fallback=fallback, seed=0
        )
        for length in (None, *SEARCHES)
    }
    return {key: found for key, found in drawn.items() if found is not None}


@cache
def rungs_of(cell: CellTable, epoch: int) -> Rungs:
    """Return what candidates see of the trials trained to the end, at one of their rungs."""
    rows = cell.at(epoch).reindex(cell.final.index)
    return rungs_at(rows, cell.at(cell.epochs[0]), cell.rows, cell.n_measured)


def evaluate(cell: CellTable, candidate: Candidate) -> dict[str, Any]:
    """Return one candidate's figures on one cell, with the bar on `moved` and without it."""
    votes = candidate.votes(rungs_of(cell, cell.epochs[-1]))
    accuracy = cell.final["accuracy"].to_numpy()
    scores = votes.to_numpy(dtype=float)
    found: dict[str, Any] = {"family": candidate.family}
    for name, bar in (("bar", True), ("plain", False)):
        competing = cell.competing(bar=bar).to_numpy()
        tau, rho = tau_and_rho(single(votes[competing]), accuracy[competing])
        found[name] = {"tau": _written(tau), "rho": _written(rho), "regret": {}}
        for key, drawn in searches(cell).items():
            chosen = scores[:, 0] if scores.shape[1] == 1 else scores
            found[name]["regret"][key] = asdict(drawn.regret(chosen, competing))
    found["by_epoch"] = _by_epoch(cell, candidate)
    return found


def bounds(cell: CellTable) -> dict[str, Any]:
    """Return the regret of picking blindly, and of picking the best of those that may be chosen.

    The latter is what the bar and the verdicts on collapse cost by themselves.
    """
    accuracy = cell.final["accuracy"].to_numpy(dtype=float)
    blind = np.zeros(len(accuracy))
    return {"random": _regrets(cell, blind), "best allowed": _regrets(cell, np.asarray(accuracy))}


def _regrets(cell: CellTable, scores: Floats) -> dict[str, Any]:
    return {
        name: {
            key: asdict(drawn.regret(scores, cell.competing(bar=bar).to_numpy()))
            for key, drawn in searches(cell).items()
        }
        for name, bar in (("bar", True), ("plain", False))
    }


def single(votes: pd.DataFrame) -> Floats:
    """Return votes as one score: the value itself, or the mean rank among the rows given."""
    if votes.shape[1] == 1:
        return votes.iloc[:, 0].to_numpy(dtype=float)
    filled = votes.astype(float).fillna(-np.inf)
    return filled.rank().mean(axis=1).to_numpy(dtype=float)


def _by_epoch(cell: CellTable, candidate: Candidate) -> dict[str, Any]:
    """τ of a value on the way with the accuracy at the end, and how good and bad trials move."""
    alive = cell.competing(bar=False)
    accuracy = cell.final["accuracy"][alive]
    thirds = accuracy.rank(pct=True)
    found = {}
    for epoch in cell.epochs:
        rungs = rungs_of(cell, epoch)
        score = pd.Series(single(candidate.votes(rungs)[alive]), index=accuracy.index)
        moved = rungs.now["measure.moved"][alive] >= 0.1
        found[str(epoch)] = {
            "tau": _tau(score, accuracy),
            "tau_bar": _tau(score[moved], accuracy[moved]),
            "good_third": _mean(score[thirds > 2 / 3]),
            "bad_third": _mean(score[thirds <= 1 / 3]),
        }
    return found


def _tau(scores: pd.Series, accuracies: pd.Series) -> float:
    """τ without its interval."""
    x, y = scores.to_numpy(dtype=float), accuracies.to_numpy(dtype=float)
    return tau_and_rho(np.asarray(x), np.asarray(y), n_resamples=0)[0].value


def _seed_noise(cell: CellTable) -> dict[str, float | int]:
    """Standard deviation of accuracy between two seeds of one configuration, in points."""
    both = cell.replicates.index.intersection(cell.final.index)
    differences = cell.replicates["accuracy"][both] - cell.final["accuracy"][both]
    spread = float(100 * np.sqrt((differences**2).mean() / 2)) if len(both) else float("nan")
    return {"replicates": len(both), "seed_deviation_points": spread}


def _mean(values: pd.Series) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _written(found: Correlation) -> list[float]:
    return [round(v, _PLACES) for v in (found.value, found.low, found.high)] + [found.n]
