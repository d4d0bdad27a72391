"""The shortlist and the choice, as pure functions of made candidates."""

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.goldilocks import (
    Candidate,
    Direction,
    choose,
    eligible,
    shortlist,
    shortlist_size,
)
from objectives import InvalidArgumentError, zone_distance

QUICK = settings(max_examples=150, deadline=None, derandomize=True)
LEAST = 0.1

values = st.floats(-100.0, 100.0) | st.integers(-2, 2).map(float)
alphas = st.floats(0.0, 4.0) | st.sampled_from([0.8, 1.0, 1.2, math.nan])
distances = st.floats(0.0, 1.0) | st.sampled_from([LEAST, math.nan])
directions: st.SearchStrategy[Direction] = st.sampled_from(["maximize", "minimize"])


@st.composite
def candidate_lists(draw: st.DrawFn, min_size: int = 0) -> list[Candidate]:
    n = draw(st.integers(min_size, 10))
    numbers = draw(st.permutations(range(n)))
    objectives = values | st.sampled_from([math.nan, math.inf])
    return [Candidate(i, 54, draw(objectives), draw(alphas), draw(distances)) for i in numbers]


def candidate(
    number: int, objective: float = 1.0, alpha: float = 1.0, moved: float = 0.5
) -> Candidate:
    return Candidate(number, 54, objective, alpha, moved)


def numbers(
    candidates: list[Candidate], size: int = 10, direction: Direction = "maximize"
) -> list[int]:
    listed = shortlist(candidates, size=size, direction=direction, least_moved=LEAST)
    return list(listed.numbers)


# Size


@pytest.mark.parametrize(
    ("n", "share", "reserve", "probe", "expected"),
    [
        (0, 1.0, None, None, 0),
        (1, 0.01, None, None, 1),
        (9, 1 / 3, None, None, 3),
        (10, 1 / 3, None, None, 4),
        (30, 0.1, None, None, 3),
        (100, 0.07, None, None, 7),  # 7.000000000000001 in floats
        (7, 1.0, None, None, 7),
        (9, 1.0, 10.0, 2.0, 5),
        (9, 1.0, 9.99, 2.0, 4),
        (9, 1.0, 10.0, 11.0, 1),
        (9, 1.0, -5.0, 1.0, 1),
        (9, 1.0, 0.0, 1.0, 1),
        (9, 1 / 3, 1000.0, 1.0, 3),
        (9, 1 / 3, None, 1.0, 3),
        (9, 1 / 3, 5.0, None, 3),
        (9, 1 / 3, 5.0, 0.0, 3),
        (9, 1 / 3, 5.0, math.nan, 3),
    ],
)
def test_size(
    n: int, share: float, reserve: float | None, probe: float | None, expected: int
) -> None:
    size = shortlist_size(n, share=share, reserve_seconds=reserve, probe_seconds=probe)
    assert size == expected


@QUICK
@given(
    n=st.integers(1, 200),
    share=st.floats(0.0, 1.0, exclude_min=True),
    reserves=st.tuples(st.floats(-10, 1e5), st.floats(-10, 1e5)).map(sorted),
    probe=st.floats(1e-3, 1e4),
)
def test_size_is_between_one_and_all_and_never_falls_as_the_reserve_grows(
    n: int, share: float, reserves: list[float], probe: float
) -> None:
    sizes = [
        shortlist_size(n, share=share, reserve_seconds=r, probe_seconds=probe) for r in reserves
    ]
    sizes.append(shortlist_size(n, share=share))
    assert 1 <= sizes[0] <= sizes[1] <= sizes[2] <= n
    assert sizes[1] == 1 or sizes[1] * probe <= reserves[1] * (1 + 1e-9)


# Who may be chosen at all


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


# The shortlist


@QUICK
@given(candidates=candidate_lists(), size=st.integers(1, 12), direction=directions)
def test_everybody_is_either_listed_or_has_a_reason(
    candidates: list[Candidate], size: int, direction: Direction
) -> None:
    listed = shortlist(candidates, size=size, direction=direction, least_moved=LEAST)
    may = {c.number for c in candidates} - set(eligible(candidates, least_moved=LEAST))
    assert len(listed.numbers) == min(size, len(may))
    assert set(listed.numbers) <= may
    assert set(listed.numbers).isdisjoint(listed.excluded)
    assert {*listed.numbers, *listed.excluded} == {c.number for c in candidates}
    assert all(listed.excluded.values())


@QUICK
@given(candidates=candidate_lists(min_size=2), size=st.integers(1, 9), direction=directions)
def test_nobody_left_out_is_closer_to_the_zone(
    candidates: list[Candidate], size: int, direction: Direction
) -> None:
    def distance(number: int) -> float:
        alpha = next(c.alpha for c in candidates if c.number == number)
        return math.inf if math.isnan(alpha) else zone_distance(alpha)

    listed = shortlist(candidates, size=size, direction=direction, least_moved=LEAST)
    barred = eligible(candidates, least_moved=LEAST)
    left_out = [distance(number) for number in listed.excluded if number not in barred]
    inside = [distance(number) for number in listed.numbers]
    assert inside == sorted(inside)
    assert max(inside, default=0.0) <= min(left_out, default=math.inf)


@QUICK
@given(candidates=candidate_lists(), size=st.integers(1, 9), direction=directions, data=st.data())
def test_the_order_they_come_in_does_not_matter(
    candidates: list[Candidate], size: int, direction: Direction, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(candidates))
    lists = [
        shortlist(c, size=size, direction=direction, least_moved=LEAST)
        for c in (candidates, shuffled)
    ]
    assert lists[0] == lists[1]


def test_the_zone_comes_before_the_objective() -> None:
    outside, inside = candidate(0, 99.0, alpha=1.5), candidate(1, 1.0, alpha=1.1)
    assert numbers([outside, inside], size=1) == [1]


def test_within_the_zone_closeness_to_one_decides() -> None:
    assert numbers([candidate(0, alpha=1.19), candidate(1, alpha=0.95)]) == [1, 0]


@pytest.mark.parametrize(("direction", "expected"), [("maximize", [1, 0]), ("minimize", [0, 1])])
def test_at_equal_alpha_the_objective_decides(direction: Direction, expected: list[int]) -> None:
    assert numbers([candidate(0, 1.0), candidate(1, 2.0)], direction=direction) == expected


def test_at_equal_everything_the_lower_number_decides() -> None:
    assert numbers([candidate(2), candidate(0), candidate(1)]) == [0, 1, 2]


def test_an_unfitted_alpha_comes_last() -> None:
    unfitted, far = candidate(0, 99.0, alpha=math.nan), candidate(1, 1.0, alpha=1e6)
    assert numbers([unfitted, far]) == [1, 0]
    assert numbers([unfitted]) == [0]


def test_unfitted_alphas_are_ordered_by_the_objective() -> None:
    both = [candidate(0, 1.0, alpha=math.nan), candidate(1, 2.0, alpha=math.nan)]
    assert numbers(both, direction="maximize") == [1, 0]
    assert numbers(both, direction="minimize") == [0, 1]


def test_another_zone() -> None:
    both = [candidate(0, alpha=1.0), candidate(1, alpha=2.0)]
    listed = shortlist(both, size=1, direction="maximize", least_moved=LEAST, zone=(1.9, 2.1))
    assert listed.numbers == (1,)
    assert listed.excluded == {
        0: "α 1.00 is place 2 of 2 by closeness to the zone [1.9, 2.1]; 1 shortlisted"
    }
    with pytest.raises(InvalidArgumentError, match="zone"):
        shortlist(both, size=1, direction="maximize", least_moved=LEAST, zone=(2.0, 1.0))


def test_nobody_to_list() -> None:
    assert numbers([]) == []
    assert numbers([candidate(0, moved=0.0)]) == []


# The choice


@QUICK
@given(
    objectives=st.lists(values, min_size=1, max_size=8),
    direction=directions,
)
def test_without_probes_the_objective_chooses(
    objectives: list[float], direction: Direction
) -> None:
    listed = [candidate(i, objective) for i, objective in enumerate(objectives)]
    best = max(objectives) if direction == "maximize" else min(objectives)
    no_probes: tuple[dict[int, float] | None, ...] = (None, {})
    for probes in no_probes:
        choice = choose(listed, direction=direction, objective="rankme", probe_accuracy=probes)
        # Ties: list.index gives the lowest number.
        assert choice.number == objectives.index(best)


@QUICK
@given(
    accuracies=st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=1, max_size=8),
    objectives=st.lists(values, min_size=8, max_size=8),
    direction=directions,
    data=st.data(),
)
def test_probes_win_over_the_objective(
    accuracies: list[float], objectives: list[float], direction: Direction, data: st.DataObject
) -> None:
    listed = data.draw(st.permutations([candidate(i, o) for i, o in enumerate(objectives)]))
    choice = choose(
        listed,
        direction=direction,
        objective="rankme",
        probe_accuracy=dict(enumerate(accuracies)),
    )
    assert choice.number == accuracies.index(max(accuracies))


def test_the_reason_of_a_probed_choice() -> None:
    listed = [candidate(0, 9.0), candidate(1, 1.0), candidate(2, 5.0)]
    choice = choose(
        listed, direction="maximize", objective="rankme", probe_accuracy={0: 0.5, 1: 0.75}
    )
    assert choice.number == 1
    assert choice.reason == "best linear probe of the 2 probed: 0.750 cross-validated accuracy"


def test_probes_of_trials_that_are_not_listed_count_for_nothing() -> None:
    listed = [candidate(0, 1.0), candidate(1, 2.0)]
    choice = choose(listed, direction="maximize", objective="rankme", probe_accuracy={7: 0.9})
    assert choice.number == 1
    assert choice.reason == "highest rankme of the 2 shortlisted: 2"


def test_the_reason_of_an_alpha_choice() -> None:
    listed = [candidate(3, 0.25), candidate(1, 0.5)]
    choice = choose(listed, direction="minimize", objective="alpha_req")
    assert (choice.number, choice.reason) == (3, "smallest |α - 1| of the 2 shortlisted: 0.25")


def test_candidates_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        candidate(0).moved = 1.0  # type: ignore[misc]
