"""The finalists again under other seeds: how far their values differ by luck alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import optuna
from optuna.trial import TrialState

from hpo.config import StudyConfig
from hpo.goldilocks import Run
from hpo.record import TrialRow, read_rows

_SEEDS_WHERE_THERE_IS_A_BUDGET = 2
_SEED_STEP = 100_003


def n_replicates(config: StudyConfig) -> int:
    """Return how many other seeds each finalist gets, if the budget allows.

    >>> n_replicates(StudyConfig(trials=8)), n_replicates(StudyConfig(budget="1h"))
    (0, 2)
    """
    if config.replicates is not None:
        return config.replicates
    return 0 if config.budget is None else _SEEDS_WHERE_THERE_IS_A_BUDGET


def missing_replicates(
    finalists: Sequence[int], rows: Sequence[TrialRow], *, n_seeds: int, seed: int
) -> list[tuple[int, int]]:
    """Return which (finalist, seed) are still to be run: one more seed for all, then the next.

    A budget that ends in the middle so leaves all finalists with as many seeds as can be.

    Args:
        finalists: numbers, the best first.
        rows: all trials, replicates among them.
        n_seeds: other seeds of each.
        seed: the study's.
    """
    known = {(row.replicate_of, row.seed) for row in rows if row.replicate_of is not None}
    wanted = [
        (number, (seed + _SEED_STEP * (place + 1)) % 2**31)
        for place in range(n_seeds)
        for number in finalists
    ]
    return [pair for pair in wanted if pair not in known]


def runs_of(
    study: optuna.Study, finalists: Sequence[int], accuracies: Mapping[int, float]
) -> dict[int, list[Run]]:
    """Return each finalist's runs: its own first, then its finished replicates.

    Args:
        study: where they are recorded.
        finalists: numbers.
        accuracies: of probes in [0, 1] by trial number, replicates' too; empty without labels.
    """
    rows = read_rows(study, running=False)
    runs: dict[int, list[Run]] = {}
    for number in finalists:
        same = [row for row in rows if row.number == number]
        same += [r for r in rows if r.replicate_of == number and r.state == "finished"]
        runs[number] = [Run(r.objective, accuracies.get(r.number, math.nan)) for r in same]
    return runs


def finished_replicates(study: optuna.Study, finalists: Sequence[int]) -> list[int]:
    """Return the numbers of the finished replicates of some trials."""
    return [
        trial.number
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if trial.user_attrs.get("replicate_of") in finalists
    ]
