"""Consensus by rank: closed forms, what it must not see, and what it openly does see."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectives.consensus import consensus
from objectives.errors import InvalidArgumentError, UnknownMeasureError
from tests.objectives.builders import QUICK

NAN = math.nan
VALUE = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.5, NAN, math.inf, -math.inf]) | st.floats(-5, 5)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[float]]:
    n = draw(st.integers(2, 8))
    names = draw(st.sets(st.sampled_from(["rankme", "lidar", "alpha_req"]), min_size=1))
    column = st.lists(VALUE, min_size=n, max_size=n)
    return {name: draw(column) for name in sorted(names)}


def pairwise(values: dict[str, list[float]]) -> NDArray[np.float64]:
    """Reference: play every pair, 1 for a win, 1/2 for a draw; nan loses to all but nan."""
    n = len(next(iter(values.values())))
    points = np.zeros(n)
    for name, column in values.items():
        good = np.array(column, dtype=np.float64)
        if name == "alpha_req":
            good = -np.abs(good - 1.0)
        for i in range(n):
            for j in set(range(n)) - {i}:
                if np.isnan(good[j]):
                    points[i] += 0.5 if np.isnan(good[i]) else 1.0
                elif good[i] == good[j]:
                    points[i] += 0.5
                elif good[i] > good[j]:
                    points[i] += 1.0
    return points / ((n - 1) * len(values))


@QUICK
@given(tables())
def test_against_a_tournament(values: dict[str, list[float]]) -> None:
    found = consensus(values)
    assert found == pytest.approx(pairwise(values).tolist(), abs=1e-12)
    assert all(0.0 <= score <= 1.0 for score in found)
    assert sum(found) / len(found) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"rankme": [10.0, 30.0, 20.0]}, [0.0, 1.0, 0.5]),
        ({"alpha_req": [1.0, 1.5, 0.75]}, [1.0, 0.0, 0.5]),
        ({"rankme": [10.0, 30.0, 20.0], "alpha_req": [1.0, 1.5, 0.75]}, [0.5, 0.5, 0.5]),
        ({"rankme": [1.0, 2.0], "lidar": [1.0, 2.0], "alpha_req": [1.0, 2.0]}, [1 / 3, 2 / 3]),
        ({"rankme": [5.0, 5.0, 5.0, 5.0]}, [0.5] * 4),
        ({"rankme": [1.0, 2.0, 2.0, 3.0, 0.0]}, [0.25, 0.625, 0.625, 1.0, 0.0]),
        ({"rankme": [1.0, NAN, -math.inf]}, [1.0, 0.0, 0.5]),
        ({"rankme": [NAN, 7.0, NAN]}, [0.25, 1.0, 0.25]),
        ({"alpha_req": [NAN, math.inf, 9.0]}, [0.0, 0.5, 1.0]),
        ({"rankme": [NAN, NAN]}, [0.5, 0.5]),
    ],
)
def test_closed_forms(values: dict[str, list[float]], expected: list[float]) -> None:
    assert consensus(values) == pytest.approx(expected, abs=1e-15)


@QUICK
@given(values=tables(), seed=st.integers(0, 99))
def test_candidates_in_another_order_give_the_scores_in_that_order(
    values: dict[str, list[float]], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(next(iter(values.values()))))
    shuffled = {name: [column[i] for i in order] for name, column in reversed(values.items())}
    assert consensus(shuffled) == pytest.approx([consensus(values)[i] for i in order], abs=1e-15)


@QUICK
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=9), st.floats(0.5, 2.0))
def test_only_the_order_counts(values: list[int], power: float) -> None:
    plain = {"rankme": [float(v) for v in values], "lidar": [float(v % 7) for v in values]}
    bent = {
        "rankme": [math.exp(v / 10) for v in values],
        "lidar": [100.0 * v**power - 3.0 for v in plain["lidar"]],
    }
    assert consensus(bent) == consensus(plain)


@QUICK
@given(st.lists(st.integers(0, 40), min_size=2, max_size=9, unique=True))
def test_measures_that_agree_keep_their_order(distances: list[int]) -> None:
    """The larger the distance of α from 1, the smaller both ranks."""
    ranks = [100.0 - distance for distance in distances]
    alphas = [1.0 + distance for distance in distances]
    found = consensus({"rankme": ranks, "lidar": ranks, "alpha_req": alphas})
    assert np.argsort(found).tolist() == np.argsort(ranks).tolist()
    assert sorted(found) == pytest.approx(np.linspace(0.0, 1.0, len(ranks)).tolist())


def test_another_candidate_can_swap_two_others() -> None:
    """As documented: a rank among these candidates, not an absolute value."""
    two = {"rankme": [2.0, 1.0], "lidar": [2.0, 1.0], "alpha_req": [1.5, 1.1]}
    assert consensus(two)[0] > consensus(two)[1]
    five = {
        "rankme": [2.0, 1.0, 0.1, 0.2, 0.3],
        "lidar": [2.0, 1.0, 0.1, 0.2, 0.3],
        "alpha_req": [1.5, 1.1, 1.2, 1.3, 1.4],
    }
    assert consensus(five)[0] < consensus(five)[1]


def test_too_few_candidates_have_no_rank() -> None:
    assert consensus({"rankme": [], "lidar": []}) == []
    assert all(map(math.isnan, consensus({"rankme": [5.0]})))
    assert consensus({"rankme": [5.0, 6.0]}) == [0.0, 1.0]
    few = consensus({"rankme": [5.0, 6.0, 7.0], "lidar": [1.0, 2.0, 3.0]}, minimum=4)
    assert len(few) == 3
    assert all(map(math.isnan, few))
    assert consensus({"rankme": [5.0, 6.0, 7.0]}, minimum=3) == [0.0, 0.5, 1.0]


def test_sequences_of_any_kind_are_not_changed() -> None:
    column = np.array([3.0, 1.0, 2.0])
    assert consensus({"rankme": column, "lidar": (3.0, 1.0, 2.0)}) == [1.0, 0.0, 0.5]  # type: ignore[dict-item]
    assert column.tolist() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"values: got .*: \{\}, wanted at least one measure"),
        ({"rankme": [1.0, 2.0], "lidar": [1.0]}, r"\{'rankme': 2, 'lidar': 1\}.*pass nan"),
    ],
)
def test_a_table_has_to_be_full(values: dict[str, list[float]], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        consensus(values)


@pytest.mark.parametrize("minimum", [1, 0, -3])
def test_one_candidate_is_no_field(minimum: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"minimum: got {minimum}, wanted at least 2"):
        consensus({"rankme": [1.0, 2.0]}, minimum=minimum)


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0], []])
def test_an_unknown_measure_has_no_direction(values: list[float]) -> None:
    with pytest.raises(UnknownMeasureError, match="did you mean 'rankme'"):
        consensus({"lidar": values, "rank_me": values})
