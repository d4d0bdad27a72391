"""The spread of directions against Chen & He 2021 (arXiv 2011.10566), section 4.1, in numpy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from objectives.directions import ROWS_AT_ONCE, Directions
from tests.objectives.builders import QUICK, gaussian, near_collapse, numpy64

CPU = torch.device("cpu")
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def directions_of(*batches: Tensor, device: str = "cpu") -> Directions:
    directions = Directions(batches[0].shape[1], torch.device(device))
    for batch in batches:
        directions.update(batch)
    return directions


def reference(values: Tensor) -> float:
    """std(z / ‖z‖) by dimension, averaged, times √dim."""
    rows = numpy64(values)
    unit = np.array([row / math.sqrt(row @ row) if row.any() else row for row in rows])
    return float(np.std(unit, axis=0).mean() * math.sqrt(rows.shape[1]))


@QUICK
@given(
    n=st.sampled_from([1, 2, 9, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 700]),
    dim=st.integers(1, 20),
    offset=st.sampled_from([0.0, 1.0, 1e3]),
    cuts=st.lists(st.integers(1, 699), max_size=4),
    seed=st.integers(0, 99),
)
def test_any_split_gives_the_reference(
    n: int, dim: int, offset: float, cuts: list[int], seed: int
) -> None:
    rows = gaussian(n, dim, seed=seed) + offset
    batches = torch.tensor_split(rows, sorted({cut for cut in cuts if cut < n}))
    found = directions_of(*batches)
    assert found.count == n
    assert found.spread == pytest.approx(reference(rows), rel=1e-9, abs=1e-14)


@QUICK
@given(sizes=st.lists(st.integers(0, 300), min_size=2, max_size=4).filter(any))
def test_merging_equals_updating_in_either_order(sizes: list[int]) -> None:
    parts = [gaussian(size, 5, seed=size) + 1.0 for size in sizes if size]
    forwards, backwards = Directions(5, CPU), Directions(5, CPU)
    for part in parts:
        one = directions_of(part)
        forwards.absorb(one.count, one.mean, one.deviation)
    for part in reversed(parts):
        one = directions_of(part)
        backwards.absorb(one.count, one.mean, one.deviation)
    expected = reference(torch.cat(parts))
    assert forwards.spread == pytest.approx(expected, rel=1e-9, abs=1e-14)
    assert backwards.spread == pytest.approx(expected, rel=1e-9, abs=1e-14)


def test_what_was_absorbed_is_left_alone() -> None:
    one, other = directions_of(gaussian(9, 3)), directions_of(gaussian(4, 3, seed=1))
    before = (other.count, other.mean.clone(), other.deviation.clone())
    one.absorb(other.count, other.mean, other.deviation)
    one.update(gaussian(5, 3, seed=2))
    assert other.count == before[0]
    assert torch.equal(other.mean, before[1])
    assert torch.equal(other.deviation, before[2])


def test_the_length_of_a_row_does_not_count() -> None:
    rows = gaussian(300, 6) + 0.5
    lengths = torch.logspace(-30, 30, 300, dtype=torch.float64)[:, None]
    assert directions_of(rows * lengths).spread == pytest.approx(directions_of(rows).spread)


def test_a_row_of_zeros_stays_at_the_origin() -> None:
    rows = torch.cat([torch.eye(3), torch.zeros(2, 3)])
    assert directions_of(rows).spread == pytest.approx(reference(rows), rel=1e-12)
    assert directions_of(torch.zeros(4, 3)).spread == 0.0


@pytest.mark.parametrize("t", [1e-3, 1e-6, 1e-9])
def test_a_tiny_spread_about_a_long_mean_keeps_its_digits(t: float) -> None:
    """A sum of squares minus a squared sum would read 0, or the root of a negative number."""
    spread = directions_of(*near_collapse(t, 2000, 16).split(100)).spread
    wide = directions_of(near_collapse(1e-2, 2000, 16)).spread
    assert spread / t == pytest.approx(wide / 1e-2, rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("device", DEVICES)
def test_every_dtype_is_measured_in_float64(dtype: torch.dtype, device: str) -> None:
    """A squared length of 16 · 5000² has no float16."""
    rows = (5000 * gaussian(50, 16)).to(dtype)
    before = rows.clone()
    found = directions_of(rows.to(device), device=device)
    assert found.spread == pytest.approx(reference(rows.double()), rel=1e-12)
    assert torch.equal(rows, before)


@QUICK
@given(n=st.integers(1, 40), dim=st.integers(1, 20), seed=st.integers(0, 99))
def test_it_lies_between_0_and_1(n: int, dim: int, seed: int) -> None:
    assert 0.0 <= directions_of(gaussian(n, dim, seed=seed)).spread <= 1.0 + 1e-12


def test_opposite_rows_on_the_axes_reach_1() -> None:
    axes = torch.eye(5, dtype=torch.float64)
    assert directions_of(torch.cat([axes, -2 * axes])).spread == pytest.approx(1.0, rel=1e-14)
