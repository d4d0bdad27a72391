"""Who may be chosen at all."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.goldilocks import Candidate, Direction, by_objective, eligible, shortlist
from tests.hpo.goldilocks.made import (
    LEAST,
    QUICK,
    alphas,
    candidate,
    candidate_lists,
    directions,
    values,
)


@QUICK
@given(candidates=candidate_lists())
def test_exactly_the_unmoved_and_the_undefined_are_barred(candidates: list[Candidate]) -> None:
    barred = {
        c.number
        for c in candidates
        if not math.isfinite(c.objective) or math.isnan(c.moved) or c.moved < LEAST
    }
    reasons = eligible(candidates, least_moved=LEAST)
    assert set(reasons) == barred
    assert all(reasons.values())


@QUICK
@given(
    others=candidate_lists(),
    moved=st.floats(0.0, LEAST, exclude_max=True) | st.just(math.nan),
    objective=values,
    alpha=alphas,
    direction=directions,
)
def test_whoever_has_not_moved_is_never_listed_whatever_it_measures(
    others: list[Candidate], moved: float, objective: float, alpha: float, direction: Direction
) -> None:
    unmoved = candidate(99, objective, alpha, moved)
    listed = shortlist([*others, unmoved], size=99, direction=direction, least_moved=LEAST)
    assert 99 not in listed.numbers
    assert "has not moved away from initialisation" in listed.excluded[99]
    # Nor does it take a place from anybody.
    alone = shortlist(others, size=99, direction=direction, least_moved=LEAST)
    assert listed.numbers == alone.numbers


def test_reasons_hold_the_figures() -> None:
    reasons = eligible(
        [candidate(1, moved=0.0421), candidate(2, objective=math.nan), candidate(3, moved=LEAST)],
        least_moved=LEAST,
    )
    assert reasons == {
        1: "has not moved away from initialisation: distance 0.042, at least 0.1 wanted",
        2: "its objective is undefined",
    }


def test_the_best_objective_comes_first_and_equal_ones_by_number() -> None:
    three = [candidate(2, 5.0), candidate(0, 1.0), candidate(1, 5.0)]
    assert [c.number for c in by_objective(three, "maximize")] == [1, 2, 0]
    assert [c.number for c in by_objective(three, "minimize")] == [0, 1, 2]


def test_candidates_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        candidate(0).moved = 1.0  # type: ignore[misc]
