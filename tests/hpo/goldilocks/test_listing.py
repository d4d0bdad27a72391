"""The shortlist, its size and its places for exploration."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.goldilocks import Candidate, Direction, eligible, shortlist, shortlist_size
from hpo.pruning.zone import GOLDILOCKS, Zone
from tests.hpo.goldilocks.made import LEAST, QUICK, candidate, candidate_lists, directions

explore_shares = st.sampled_from([0.0, 0.1, 0.5, 0.9])


def numbers(
    candidates: list[Candidate], size: int = 10, direction: Direction = "maximize"
) -> list[int]:
    listed = shortlist(
        candidates, size=size, direction=direction, least_moved=LEAST, zone=GOLDILOCKS
    )
    return list(listed.numbers)


@pytest.mark.parametrize(
    ("n", "share", "expected"),
    [
        (0, 1.0, 0),
        (1, 0.01, 1),
        (9, 1 / 3, 3),
        (10, 1 / 3, 4),
        (30, 0.1, 3),
        (100, 0.07, 7),  # 7.000000000000001 in floats
        (7, 1.0, 7),
    ],
)
def test_size(n: int, share: float, expected: int) -> None:
    assert shortlist_size(n, share=share) == expected


@QUICK
@given(n=st.integers(1, 200), share=st.floats(0.0, 1.0, exclude_min=True))
def test_size_is_between_one_and_all(n: int, share: float) -> None:
    size = shortlist_size(n, share=share)
    assert 1 <= size <= n
    assert size - 1 < n * share <= size + 1e-6


@QUICK
@given(
    candidates=candidate_lists(),
    size=st.integers(1, 12),
    direction=directions,
    explore_share=explore_shares,
)
def test_everybody_is_either_listed_or_has_a_reason(
    candidates: list[Candidate], size: int, direction: Direction, explore_share: float
) -> None:
    listed = shortlist(
        candidates,
        size=size,
        direction=direction,
        least_moved=LEAST,
        explore_share=explore_share,
    )
    may = {c.number for c in candidates} - set(eligible(candidates, least_moved=LEAST))
    assert len(listed.numbers) == len(set(listed.numbers)) == min(size, len(may))
    assert set(listed.exploring) <= set(listed.numbers) <= may
    assert set(listed.numbers).isdisjoint(listed.excluded)
    assert {*listed.numbers, *listed.excluded} == {c.number for c in candidates}
    assert all(listed.excluded.values())


@QUICK
@given(
    candidates=candidate_lists(min_size=2),
    size=st.integers(1, 9),
    direction=directions,
    explore_share=explore_shares,
)
def test_nobody_left_out_is_closer_to_the_zone_but_for_exploration_and_noise(
    candidates: list[Candidate], size: int, direction: Direction, explore_share: float
) -> None:
    def distance(number: int) -> float:
        alpha = next(c.alpha for c in candidates if c.number == number)
        return math.inf if math.isnan(alpha) else GOLDILOCKS.distance(alpha)

    listed = shortlist(
        candidates,
        size=size,
        direction=direction,
        least_moved=LEAST,
        zone=GOLDILOCKS,
        explore_share=explore_share,
    )
    barred = eligible(candidates, least_moved=LEAST)
    left_out = [distance(number) for number in listed.excluded if number not in barred]
    inside = [distance(n) for n in listed.numbers if n not in listed.exploring]
    assert max(inside, default=0.0) <= min(left_out, default=math.inf) + 0.05 + 1e-6


@QUICK
@given(
    candidates=candidate_lists(),
    size=st.integers(1, 9),
    direction=directions,
    explore_share=explore_shares,
    data=st.data(),
)
def test_the_order_they_come_in_does_not_matter(
    candidates: list[Candidate],
    size: int,
    direction: Direction,
    explore_share: float,
    data: st.DataObject,
) -> None:
    shuffled = data.draw(st.permutations(candidates))
    lists = [
        shortlist(c, size=size, direction=direction, least_moved=LEAST, explore_share=explore_share)
        for c in (candidates, shuffled)
    ]
    assert lists[0] == lists[1]


def test_one_place_of_three_explores_and_none_of_two() -> None:
    """Trial 9 lies farthest from the zone and has the best objective."""
    many = [candidate(i, 1.0, alpha=1.3 + 0.1 * i) for i in range(9)]
    many.append(candidate(9, 50.0, alpha=3.0))
    options = {"direction": "maximize", "least_moved": LEAST, "explore_share": 0.1}
    options["zone"] = GOLDILOCKS
    assert shortlist(many, size=2, **options).numbers == (0, 1)  # type: ignore[arg-type]
    three = shortlist(many, size=3, **options)  # type: ignore[arg-type]
    assert (three.numbers, three.exploring) == ((0, 1, 9), (9,))
    ten = shortlist(many, size=10, **options)  # type: ignore[arg-type]
    assert ten.exploring == ()  # everybody is listed anyway


def test_exploration_takes_its_share_and_never_all() -> None:
    many = [candidate(i, float(i), alpha=1.3 + 0.1 * i) for i in range(30)]

    def listed(size: int, share: float) -> tuple[int, ...]:
        found = shortlist(
            many,
            size=size,
            direction="maximize",
            least_moved=LEAST,
            zone=GOLDILOCKS,
            explore_share=share,
        )
        return found.numbers

    assert listed(10, 0.3) == (0, 1, 2, 3, 4, 5, 6, 29, 28, 27)
    assert listed(3, 0.99) == (0, 29, 28)


def test_without_a_share_nothing_explores() -> None:
    many = [candidate(i, float(i), alpha=1.3 + 0.1 * i) for i in range(30)]
    assert numbers(many, size=4) == [0, 1, 2, 3]


def test_without_a_zone_the_best_by_the_objective_are_listed() -> None:
    many = [candidate(i, float(i), alpha=1.0 + 0.1 * i) for i in range(5)]
    listed = shortlist(many, size=2, direction="maximize", least_moved=LEAST)
    assert listed.numbers == (4, 3)
    assert listed.excluded[1] == "its objective, 1, is place 4 of 5; 2 shortlisted"
    listed = shortlist(many, size=2, direction="minimize", least_moved=LEAST)
    assert listed.numbers == (0, 1)


def test_another_zone() -> None:
    both = [candidate(0, alpha=1.0), candidate(1, alpha=2.0)]
    listed = shortlist(both, size=1, direction="maximize", least_moved=LEAST, zone=Zone(1.9, 2.1))
    assert listed.numbers == (1,)
    assert listed.excluded == {
        0: "α 1.00 is place 2 of 2 by closeness to the zone [1.9, 2.1]; 1 shortlisted"
    }


def test_nobody_to_list() -> None:
    assert numbers([]) == []
    assert numbers([candidate(0, moved=0.0)]) == []


def test_a_list_of_no_places_is_refused() -> None:
    with pytest.raises(ConfigError, match="size: got 0; wanted at least 1"):
        numbers([candidate(0)], size=0)
