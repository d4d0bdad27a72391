"""Spectra against numpy's full SVD and covariance (Harris et al. 2020, `numpy.linalg`)."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from objectives import (
    EmbeddingError,
    InvalidArgumentError,
    covariance_eigenvalues,
    effective_rank,
    rankme,
    singular_values,
)
from objectives.scatter import ROWS_AT_ONCE
from tests.objectives.builders import QUICK, gaussian, near_collapse, numpy64, rotation

SHAPES = [(40, 8), (8, 40), (12, 12), (1, 5), (5, 1)]


def assert_same(actual: Tensor, expected: Tensor, relative: float = 1e-10) -> None:
    """Equal relative to the largest value: a spectrum's small end carries its absolute error."""
    assert actual.shape == expected.shape
    assert float((actual - expected).abs().max()) <= relative * float(expected.abs().max())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("centred", [False, True])
def test_singular_values_match_numpy(shape: tuple[int, int], centred: bool) -> None:
    embeddings = gaussian(*shape) + 3.0
    reference = numpy64(embeddings)
    if centred:
        reference = reference - reference.mean(axis=0)
    expected = torch.from_numpy(np.linalg.svd(reference, compute_uv=False))
    values = singular_values(embeddings, centred=centred)
    assert values.dtype == torch.float64
    assert values.shape == (min(shape),)
    # Squaring halves the digits of singular values that are 0, so they get 1e-7 and not 1e-10.
    assert_same(values, expected, relative=1e-7)
    assert_same(values.square(), expected.square())


@pytest.mark.parametrize("shape", [(40, 8), (8, 40), (12, 12), (2, 5), (5, 1)])
def test_covariance_eigenvalues_match_numpy(shape: tuple[int, int]) -> None:
    embeddings = gaussian(*shape) - 5.0
    covariance = np.atleast_2d(np.cov(numpy64(embeddings), rowvar=False, bias=True))
    expected = torch.from_numpy(np.linalg.eigvalsh(covariance)[::-1].copy())
    values = covariance_eigenvalues(embeddings)
    assert values.shape == (min(shape[0] - 1, shape[1]),)
    assert_same(values, expected[: values.numel()])


def test_long_input_is_split_inside_without_a_trace() -> None:
    embeddings = gaussian(ROWS_AT_ONCE + 100, 3) + 2.0
    expected = torch.linalg.svdvals(embeddings)
    assert_same(singular_values(embeddings), expected)


@pytest.mark.parametrize("t", [0.1, 1e-3, 1e-6])
def test_a_huge_mean_does_not_cancel_the_centred_spectrum(t: float) -> None:
    """Σzzᵀ − N z̄z̄ᵀ has no digit left at t = 1e-6: the variance is 1e-14 of the raw moment."""
    embeddings = near_collapse(t, 500, 64) * 10
    noise = numpy64(embeddings) - numpy64(embeddings).mean(axis=0)
    expected = torch.from_numpy(np.linalg.svd(noise, compute_uv=False))
    assert_same(singular_values(embeddings, centred=True), expected, relative=1e-8)


@pytest.mark.parametrize("shape", [(30, 4), (4, 30)])
def test_equal_rows_have_no_centred_spectrum_at_all(shape: tuple[int, int]) -> None:
    embeddings = (gaussian(1, shape[1]) * 0.1).expand(shape)
    assert not singular_values(embeddings, centred=True).any()
    assert not covariance_eigenvalues(embeddings).any()


def test_round_off_is_zero_and_not_its_square_root() -> None:
    low_rank = gaussian(300, 5) @ gaussian(5, 64, seed=1)
    values = singular_values(low_rank)
    assert int((values > 0).sum()) == 5
    assert torch.equal(values[5:], torch.zeros(59, dtype=torch.float64))


def test_float32_rank_8_data_is_read_from_a_float64_gram() -> None:
    """metrics.md 5.7: a float32 Gram matrix reads 8.29 where the value is 7.985."""
    embeddings = (gaussian(2000, 8, seed=9) @ gaussian(8, 512, seed=8)).float()
    truth = effective_rank(torch.linalg.svdvals(embeddings.double()))
    gram32 = embeddings.T @ embeddings
    through_float32 = effective_rank(torch.linalg.eigvalsh(gram32).clamp(min=0).sqrt())
    assert rankme(embeddings, epsilon=0.0) == pytest.approx(truth, rel=1e-4)
    assert through_float32 > 1.02 * truth


@QUICK
@given(n=st.integers(2, 30), dim=st.integers(1, 30), seed=st.integers(0, 99))
def test_rotation_permutation_and_zero_columns(n: int, dim: int, seed: int) -> None:
    embeddings = gaussian(n, dim, seed=seed)
    squares = singular_values(embeddings).square()
    shuffled = embeddings.flip(0) @ rotation(dim)
    assert_same(singular_values(shuffled).square(), squares)
    padded = torch.cat([embeddings, torch.zeros(n, 3, dtype=torch.float64)], dim=1)
    assert_same(singular_values(padded).square()[: squares.numel()], squares)


@pytest.mark.parametrize("dim", [1, 4])
def test_one_sample_has_no_covariance(dim: int) -> None:
    with pytest.raises(EmbeddingError, match=r"got 1 sample\(s\), wanted at least 2"):
        covariance_eigenvalues(gaussian(1, dim))


def test_overflow_is_an_error() -> None:
    for shape in ((6, 3), (3, 6)):
        with pytest.raises(EmbeddingError, match="overflow float64"):
            singular_values(gaussian(*shape) * 1e200)


def test_effective_rank_of_a_flat_spectrum_is_its_length() -> None:
    assert effective_rank(torch.full((17,), 0.3)) == pytest.approx(17.0, rel=1e-6)
    assert effective_rank(torch.tensor([0.0, 2.0])) == 1.0
    assert math.isnan(effective_rank(torch.zeros(4)))


@pytest.mark.parametrize("epsilon", [-1e-9, float("inf"), float("nan")])
def test_epsilon_out_of_range(epsilon: float) -> None:
    with pytest.raises(InvalidArgumentError, match=r"epsilon: got .* at least 0"):
        effective_rank(torch.ones(3), epsilon=epsilon)
