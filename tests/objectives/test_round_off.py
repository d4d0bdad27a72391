"""Where spectrum ends and round-off begins: the bounds, and that they hold for real round-off."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from objectives import EmbeddingError
from objectives.round_off import (
    EPS64,
    check_no_overflow,
    cut_round_off,
    mean_round_off,
    square_round_off,
)
from tests.objectives.builders import QUICK, gaussian

FOUND = torch.tensor([1.0, 1e-3, 2e-15, -1e-18], dtype=torch.float64)


def test_what_is_above_the_bounds_is_kept_to_the_last_bit() -> None:
    assert cut_round_off(FOUND, longest_side=10).tolist() == [1.0, 1e-3, 0.0, 0.0]
    assert cut_round_off(FOUND, longest_side=10, floor=0.1).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert cut_round_off(FOUND, longest_side=1).tolist() == [1.0, 1e-3, 2e-15, 0.0]


def test_the_input_is_left_alone() -> None:
    before = FOUND.clone()
    cut_round_off(FOUND, longest_side=10)
    assert torch.equal(FOUND, before)


def test_a_value_at_the_bound_is_round_off() -> None:
    at = torch.tensor([1.0, 32 * EPS64, 32 * EPS64 * (1 + EPS64)], dtype=torch.float64)
    assert cut_round_off(at, longest_side=64).tolist() == [1.0, 0.0, float(at[2])]
    assert cut_round_off(at, longest_side=64, floor=1.0).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("values", [[0.0, 0.0], [-1e-30, -2e-30], [0.0, -0.0]])
def test_nothing_stays_nothing(values: list[float]) -> None:
    cut = cut_round_off(torch.tensor(values, dtype=torch.float64), longest_side=5)
    assert cut.tolist() == [0.0, 0.0]


@QUICK
@given(scale=st.sampled_from([1e-150, 1e-3, 1e5, 1e150]), longest_side=st.integers(1, 1000))
def test_the_relative_bound_does_not_see_the_scale(scale: float, longest_side: int) -> None:
    kept = cut_round_off(FOUND, longest_side=longest_side) > 0
    assert torch.equal(cut_round_off(FOUND * scale, longest_side=longest_side) > 0, kept)


@QUICK
@given(n=st.integers(2, 5000), value=st.floats(0.01, 100.0), seed=st.integers(0, 99))
def test_a_mean_of_equal_rows_is_within_its_round_off(n: int, value: float, seed: int) -> None:
    row = value * gaussian(7, seed=seed)
    left = row - row.expand(n, 7).mean(dim=0)
    assert float(left.square().sum()) <= mean_round_off(row)


def test_the_round_off_of_a_mean_is_far_below_one_of_float32() -> None:
    """Or a real spread would be cut with it: a float32 unit in the last place is 6e-8."""
    row = gaussian(9)
    assert math.sqrt(mean_round_off(row)) < 1e-6 * torch.finfo(torch.float32).eps * row.norm()
    assert mean_round_off(row) == square_round_off(float(row.square().sum()))
    assert square_round_off(0.0) == 0.0
    assert square_round_off(4.0) == 4 * square_round_off(1.0) == 4 * (16 * EPS64) ** 2


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_overflow_is_an_error(bad: float) -> None:
    matrix = torch.eye(3, dtype=torch.float64)
    check_no_overflow(matrix)
    check_no_overflow(1e308 * matrix)
    matrix[0, 2] = bad
    with pytest.raises(EmbeddingError, match=r"overflow float64, wanted .* below 1e150; .* failed"):
        check_no_overflow(matrix)
