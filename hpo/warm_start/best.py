"""Which trials of an older study are worth beginning with."""

from __future__ import annotations

from collections.abc import Sequence

from hpo.candidates import finished_candidates
from hpo.goldilocks.candidate import Direction, by_objective, eligible
from hpo.record import TrialRow


def best_of(
    rows: Sequence[TrialRow],
    *,
    chosen: int | None,
    direction: Direction,
    least_moved: float,
    n_trials: int,
) -> list[TrialRow]:
    """Return the chosen trial, then the best of the others by their objective.

    The others finished, and moved away from their initialisation. A replicate is the trial that
    it repeats, and of two trials with the same hyperparameters the better one is taken.

    Args:
        rows: all trials of the older study.
        chosen: number of its choice; None without one, as in a study that is running.
        direction: of its objective.
        least_moved: smallest distance from initialisation of a trial that may be taken.
        n_trials: at most this many, >= 1.

    Returns:
        The best first; empty where no trial may be taken.
    """
    by_number = {row.number: row for row in rows}
    candidates = finished_candidates(rows)
    barred = eligible(candidates, least_moved=least_moved)
    may = [candidate for candidate in candidates if candidate.number not in barred]
    order = [candidate.number for candidate in by_objective(may, direction)]
    if chosen in by_number:
        order = [chosen, *(number for number in order if number != chosen)]
    best: list[TrialRow] = []
    for row in (by_number[number] for number in order):
        if all(row.hyperparameters != other.hyperparameters for other in best):
            best.append(row)
    return best[:n_trials]
