"""Which trials of a study may be compared with each other."""

from __future__ import annotations

from collections.abc import Sequence

from hpo.goldilocks import Candidate
from hpo.record import TrialRow

_DEAD = ("collapsed", "failed")


def finished_candidates(rows: Sequence[TrialRow]) -> list[Candidate]:
    """Return the trials that finished alive; replicates of others are nobody's rivals."""
    return [
        _candidate(row)
        for row in rows
        if row.state == "finished" and row.epoch > 0 and row.replicate_of is None
    ]


def candidates_of(rows: Sequence[TrialRow]) -> list[Candidate]:
    """Return the trials that may be compared: all measured at one epoch, none collapsed.

    They are the finished ones. When the budget ended before any finished, they are those at the
    highest rung that a living trial reached.
    """
    finished = finished_candidates(rows)
    if finished:
        return finished
    alive = [
        row for row in rows if row.epoch > 0 and row.state not in _DEAD and row.replicate_of is None
    ]
    highest = max((row.epoch for row in alive), default=0)
    return [_candidate(row) for row in alive if row.epoch == highest]


def _candidate(row: TrialRow) -> Candidate:
    return Candidate(row.number, row.epoch, row.objective, row.alpha, row.moved)
