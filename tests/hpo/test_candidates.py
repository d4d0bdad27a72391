"""Which trials may be compared, when some finished and when none did."""

from __future__ import annotations

from hpo.candidates import candidates_of, finished_candidates
from hpo.record import TrialRow


def row(
    number: int,
    state: str,
    epoch: int,
    objective: float = 1.0,
    replicate_of: int | None = None,
) -> TrialRow:
    values = {"alpha_req": 1.0, "moved": 0.5} if epoch else {}
    return TrialRow(
        number, state, epoch, objective, values, "", 0.0, 0.0, {}, replicate_of=replicate_of
    )


def test_only_the_finished_are_compared_when_there_are_any() -> None:
    rows = [row(0, "finished", 9), row(1, "pruned", 3), row(2, "collapsed", 9)]
    assert [c.number for c in candidates_of(rows)] == [0]
    assert candidates_of(rows) == finished_candidates(rows)


def test_otherwise_those_at_the_highest_rung_that_a_living_trial_reached() -> None:
    rows = [
        row(0, "pruned", 3),
        row(1, "out of budget", 3),
        row(2, "pruned", 1),
        row(3, "collapsed", 9),
        row(4, "failed", 9),
        row(5, "out of zone", 3),
    ]
    assert [c.number for c in candidates_of(rows)] == [0, 1, 5]
    assert finished_candidates(rows) == []


def test_trials_that_reached_no_rung_are_nobody() -> None:
    assert candidates_of([row(0, "out of budget", 0), row(1, "waiting", 0)]) == []


def test_replicates_are_nobodys_rivals() -> None:
    """Neither when others finished, nor as the highest that anybody reached."""
    rows = [row(0, "finished", 9), row(1, "finished", 9, replicate_of=0)]
    assert [c.number for c in candidates_of(rows)] == [0]
    rows = [row(0, "pruned", 3), row(1, "out of budget", 9, replicate_of=0)]
    assert [c.number for c in candidates_of(rows)] == [0]
