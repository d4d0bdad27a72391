"""The order by closeness to the zone, in steps as wide as the noise."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.goldilocks import ALPHA_NOISE, Candidate, Direction, by_closeness
from hpo.pruning.zone import GOLDILOCKS, Zone
from tests.hpo.goldilocks.made import QUICK, candidate, candidate_lists, directions, zones


def order(
    candidates: list[Candidate],
    direction: Direction = "maximize",
    zone: Zone = GOLDILOCKS,
    noise: float = ALPHA_NOISE,
) -> list[int]:
    ranked = by_closeness(candidates, zone=zone, direction=direction, noise=noise)
    return [c.number for c in ranked]


def test_the_zone_comes_before_the_objective() -> None:
    assert order([candidate(0, 99.0, alpha=1.5), candidate(1, 1.0, alpha=1.1)]) == [1, 0]


def test_within_the_zone_closeness_to_one_decides() -> None:
    assert order([candidate(0, 9.0, alpha=1.19), candidate(1, 1.0, alpha=0.94)]) == [1, 0]


def test_within_the_noise_the_objective_decides() -> None:
    nearer, better = candidate(0, 1.0, alpha=1.01), candidate(1, 2.0, alpha=1.04)
    assert order([nearer, better]) == [1, 0]
    assert order([nearer, better], noise=0.0) == [0, 1]
    assert order([nearer, better], noise=0.02) == [0, 1]


def test_outside_the_zone_too() -> None:
    nearer, better = candidate(0, 1.0, alpha=2.01), candidate(1, 2.0, alpha=2.04)
    assert order([nearer, better]) == [1, 0]
    assert order([nearer, better], direction="minimize") == [0, 1]


def test_a_step_is_as_wide_as_it_says() -> None:
    """0.15 / 0.05 is 2.9999999999999996, and 1.15 - 1 is 0.1499999999999999."""
    assert order([candidate(0, 9.0, alpha=1.15), candidate(1, 1.0, alpha=1.14)]) == [1, 0]
    assert order([candidate(0, 9.0, alpha=1.19), candidate(1, 1.0, alpha=1.15)]) == [0, 1]


def test_at_equal_everything_the_lower_number_decides() -> None:
    assert order([candidate(2), candidate(0), candidate(1)]) == [0, 1, 2]


def test_an_unfitted_alpha_comes_last_even_where_every_alpha_is_inside() -> None:
    unfitted, far = candidate(0, 99.0, alpha=math.nan), candidate(1, 1.0, alpha=1e6)
    assert order([unfitted, far]) == [1, 0]
    assert order([unfitted, far], zone=Zone(-math.inf, math.inf)) == [1, 0]


def test_unfitted_alphas_are_ordered_by_the_objective() -> None:
    both = [candidate(0, 1.0, alpha=math.nan), candidate(1, 2.0, alpha=math.nan)]
    assert order(both, direction="maximize") == [1, 0]
    assert order(both, direction="minimize") == [0, 1]


@QUICK
@given(
    candidates=candidate_lists(min_size=2).map(
        lambda cs: [c for c in cs if math.isfinite(c.objective)]
    ),
    direction=directions,
    zone=zones,
    noise=st.sampled_from([0.0, 0.05, 0.3]),
    data=st.data(),
)
def test_nobody_is_behind_one_who_is_farther_by_more_than_the_noise(
    candidates: list[Candidate],
    direction: Direction,
    zone: Zone,
    noise: float,
    data: st.DataObject,
) -> None:
    ranked = by_closeness(candidates, zone=zone, direction=direction, noise=noise)
    far = [math.inf if math.isnan(c.alpha) else zone.distance(c.alpha) for c in ranked]
    for place, distance in enumerate(far):
        assert distance <= min(far[place:]) + noise + 1e-6
    shuffled = data.draw(st.permutations(candidates))
    assert by_closeness(shuffled, zone=zone, direction=direction, noise=noise) == ranked


@pytest.mark.parametrize(("direction", "expected"), [("maximize", [1, 0]), ("minimize", [0, 1])])
def test_at_equal_alpha_the_objective_decides(direction: Direction, expected: list[int]) -> None:
    assert order([candidate(0, 1.0), candidate(1, 2.0)], direction=direction) == expected
