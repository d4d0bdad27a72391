"""What labels would have bought: picks by probes, judged on images that chose nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.tabular.candidates import Candidate
from benchmarks.tabular.evaluation import rungs_of, searches
from benchmarks.tabular.reading import CellTable
from benchmarks.tabular.regret import N_SUBSETS, Searches
from hpo.trust.ranking import Floats

PROBES = ("few_shot_1", "few_shot_5", "few_shot_10", "knn", "cross_validated")
"""All use the fitting part alone. A few-shot probe is *fitted* on 10, 50, 100 labels but *tested*
on all others of that part, so choosing by it takes them all."""

BUDGETS = {20: "few_shot_1", 100: "few_shot_5", 200: "few_shot_10"}
"""Labels in all, half to fit on: with so few to test on, an accuracy is a draw. It is drawn here
from a binomial for each trial on its own; real test images are shared among trials, whose
differences are therefore a little less noisy."""


def picks_by_labels(cell: CellTable, candidates: list[Candidate]) -> dict[str, dict[str, Any]]:
    """Return regrets on the reporting part alone: of probes, of few labels, and of candidates.

    Best is the trial of highest reported accuracy, whose luck counts against every chooser.

    Args:
        cell: the cell.
        candidates: choose without labels, with the bar on `moved`.
    """
    alive = cell.competing(bar=False).to_numpy()
    barred = cell.competing(bar=True).to_numpy()
    drawn = searches(cell, reported=True)
    probes = {name: cell.final[f"probe.{name}"].to_numpy(dtype=float) for name in PROBES}
    found = {
        f"all {cell.n_fit} labels, {name}": _regrets(drawn, scores, alive)
        for name, scores in probes.items()
    }
    for n_labels, name in BUDGETS.items():
        found[f"{n_labels} labels"] = {
            key: asdict(again.regret_of(_tested(probes[name], n_labels // 2, again), alive))
            for key, again in _repeated(drawn).items()
        }
    rungs = rungs_of(cell, cell.epochs[-1])
    for candidate in candidates:
        votes = candidate.votes(rungs).to_numpy(dtype=float)
        scores = votes[:, 0] if votes.shape[1] == 1 else votes
        found[candidate.name] = _regrets(drawn, scores, barred)
    found["random"] = _regrets(drawn, np.zeros(len(cell.final)), barred)
    return found


def _repeated(drawn: dict[str, Searches]) -> dict[str, Searches]:
    """Have the search of all trials judged as often as the others: its labels are drawn too."""
    return {
        key: Searches(
            np.repeat(s.members, N_SUBSETS // len(s.members), axis=0), s.accuracies, s.fallback
        )
        for key, s in drawn.items()
    }


def _tested(accuracies: Floats, n_tested: int, drawn: Searches) -> Floats:
    rng = np.random.default_rng([0, n_tested])
    known = np.nan_to_num(np.clip(accuracies, 0, 1))
    return rng.binomial(n_tested, known, size=drawn.members.shape) / n_tested


def _regrets(
    drawn: dict[str, Searches], scores: Floats, competing: np.ndarray[Any, np.dtype[np.bool_]]
) -> dict[str, Any]:
    return {key: asdict(each.regret(scores, competing)) for key, each in drawn.items()}
