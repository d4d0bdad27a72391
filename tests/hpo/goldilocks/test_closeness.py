"""The order by closeness to the zone, in steps as wide as the noise."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.goldilocks import ALPHA_NOISE, Candidate, Direction, by_closeness
from hpo.pruning.zone import EVERYWHERE, GOLDILOCKS, Zone
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


def test_within_the_zone_the_objective_decides() -> None:
    assert order([candidate(0, 9.0, alpha=1.19), candidate(1, 1.0, alpha=1.0)]) == [0, 1]


def test_an_open_zone_leaves_it_to_the_objective() -> None:
    far, near = candidate(0, 9.0, alpha=7.0), candidate(1, 1.0, alpha=1.0)
    assert order([far, near], zone=EVERYWHERE) == [0, 1]
    assert order([far, near], zone=EVERYWHERE, direction="minimize") == [1, 0]
    unfitted = candidate(2, 99.0, alpha=math.nan)
    assert order([far, near, unfitted], zone=EVERYWHERE) == [2, 0, 1]


def test_outside_the_zone_the_objective_decides_within_the_noise() -> None:
    nearer, better = candidate(0, 1.0, alpha=2.01), candidate(1, 2.0, alpha=2.04)
    assert order([nearer, better]) == [1, 0]
    assert order([nearer, better], direction="minimize") == [0, 1]
    assert order([nearer, better], noise=0.0) == [0, 1]
    assert order([nearer, better], noise=0.02) == [0, 1]


def test_a_step_is_as_wide_as_it_says() -> None:
    """1.35 - 1.2 is 0.15000000000000013, and 0.8 - 0.65 is 0.15000000000000002."""
    assert order([candidate(0, 9.0, alpha=1.35), candidate(1, 1.0, alpha=1.34)]) == [1, 0]
    assert order([candidate(0, 9.0, alpha=1.39), candidate(1, 1.0, alpha=1.35)]) == [0, 1]
    assert order([candidate(0, 9.0, alpha=1.35), candidate(1, 1.0, alpha=0.65)]) == [0, 1]


def test_at_equal_everything_the_lower_number_decides() -> None:
    assert order([candidate(2), candidate(0), candidate(1)]) == [0, 1, 2]


def test_an_unfitted_alpha_comes_last_wherever_there_is_a_zone() -> None:
    unfitted, far = candidate(0, 99.0, alpha=math.nan), candidate(1, 1.0, alpha=1e6)
    assert order([unfitted, far]) == [1, 0]
    assert order([unfitted, far], zone=Zone(0.5, math.inf)) == [1, 0]


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
    unknown = 0.0 if zone == EVERYWHERE else math.inf
    far = [unknown if math.isnan(c.alpha) else zone.distance(c.alpha) for c in ranked]
    for place, distance in enumerate(far):
        assert distance <= min(far[place:]) + noise + 1e-6
    shuffled = data.draw(st.permutations(candidates))
    assert by_closeness(shuffled, zone=zone, direction=direction, noise=noise) == ranked


@pytest.mark.parametrize(("direction", "expected"), [("maximize", [1, 0]), ("minimize", [0, 1])])
def test_at_equal_alpha_the_objective_decides(direction: Direction, expected: list[int]) -> None:
    assert order([candidate(0, 1.0), candidate(1, 2.0)], direction=direction) == expected
