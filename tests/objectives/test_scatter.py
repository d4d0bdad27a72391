"""Sums over rows in chunks, against numpy on all rows at once."""

import numpy as np
import pytest
import torch
from torch import Tensor

from objectives.scatter import ROWS_AT_ONCE, add_centred_gram, mean_row
from tests.objectives.builders import gaussian, numpy64

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
LENGTHS = [1, 2, 255, 256, 257, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 2600]


def upper_of(rows: Tensor, centre: Tensor) -> Tensor:
    dim = rows.shape[-1]
    upper = torch.zeros(dim, dim, dtype=torch.float64, device=rows.device)
    add_centred_gram(upper, rows, centre)
    return upper.triu().cpu()


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_mean_row(n: int, dtype: torch.dtype) -> None:
    rows = (gaussian(n, 3) + 2.0).to(dtype)
    found = mean_row(rows)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.numpy(), numpy64(rows).mean(axis=0), rtol=1e-14)


def test_the_mean_of_half_precision_is_not_summed_in_half_precision() -> None:
    """70,000 is beyond float16, and 2,048 + 1 is not in it."""
    assert mean_row(torch.full((4000, 1), 60000.0, dtype=torch.float16)).item() == 60000.0
    assert mean_row(torch.ones(4097, 1, dtype=torch.float16)).item() == 1.0


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("device", DEVICES)
def test_one_centre_for_all_rows(n: int, dtype: torch.dtype, device: str) -> None:
    rows, centre = (gaussian(n, 3) + 2.0).to(dtype), gaussian(3, seed=1)
    before = rows.clone()
    centred = numpy64(rows) - numpy64(centre)
    found = upper_of(rows.to(device), centre.to(device))
    np.testing.assert_allclose(found.numpy(), np.triu(centred.T @ centred), rtol=1e-11)
    assert torch.equal(rows, before)


@pytest.mark.parametrize(
    "shape", [(1, 1), (5, 7), (341, 3), (342, 3), (1000, 4), (3, 1023), (3, 1024), (2, 1500)]
)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_centre_for_every_few_rows(shape: tuple[int, int], dtype: torch.dtype) -> None:
    rows, centres = gaussian(*shape, 3).to(dtype), gaussian(shape[0], 1, 3, seed=1)
    centred = (numpy64(rows) - numpy64(centres)).reshape(-1, 3)
    expected = np.triu(centred.T @ centred)
    np.testing.assert_allclose(upper_of(rows, centres).numpy(), expected, rtol=1e-9, atol=1e-9)


def test_it_adds_to_what_is_there() -> None:
    rows, nothing = gaussian(9, 2), torch.zeros(2, dtype=torch.float64)
    upper = torch.full((2, 2), 4.0, dtype=torch.float64)
    add_centred_gram(upper, rows, nothing)
    assert torch.allclose(upper.triu(), (4.0 + rows.T @ rows).triu(), rtol=1e-14)


def test_rows_may_lie_in_memory_in_any_way() -> None:
    rows, centre = gaussian(2100, 4), gaussian(4, seed=1)
    expected = upper_of(rows, centre)
    for layout in (rows.T.contiguous().T, torch.stack([rows, -rows], dim=-1)[..., 0]):
        assert not layout.is_contiguous()
        assert torch.equal(upper_of(layout, centre), expected)
    expanded = rows[:1].expand(2100, 4)
    assert torch.allclose(upper_of(expanded, centre), upper_of(expanded.contiguous(), centre))


def test_products_of_float32_are_exact() -> None:
    """(1 + 2^-23)² needs 46 bits: a float32 product would round it."""
    value = 1.0 + 2.0**-23
    rows = torch.tensor([[value]], dtype=torch.float32)
    assert upper_of(rows, torch.zeros(1, dtype=torch.float64)).item() == value**2


def test_overflow_is_not_a_warning() -> None:
    """The sums tell it: an infinity there is an error further up."""
    rows = torch.tensor([[1.7e308], [-1.7e308]], dtype=torch.float64)
    assert upper_of(rows, rows[1]).isinf().all()


def test_the_lengths_tried_cross_every_chunk() -> None:
    """Or the tests above would say nothing of the seams."""
    for chunk in (ROWS_AT_ONCE // 4, ROWS_AT_ONCE):
        assert {chunk - 1, chunk, chunk + 1} <= set(LENGTHS)
