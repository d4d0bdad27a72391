"""Spectra against numpy's full SVD and covariance (Harris et al. 2020, `numpy.linalg`)."""

import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from objectives import (
    EmbeddingError,
    InvalidArgumentError,
    SecondMoments,
    covariance_eigenvalues,
    effective_rank,
    rankme,
    singular_values,
)
from objectives.round_off import cut_round_off
from objectives.scatter import ROWS_AT_ONCE
from tests.objectives.builders import QUICK, gaussian, near_collapse, numpy64, rotation

SHAPES = [(40, 8), (8, 40), (12, 12), (1, 5), (5, 1)]


def accumulated(*batches: Tensor) -> SecondMoments:
    moments = SecondMoments()
    for batch in batches:
        moments.update(batch)
    return moments


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
    assert_same(values, accumulated(embeddings).covariance_eigenvalues())


@QUICK
@given(
    cuts=st.lists(st.integers(1, 59), max_size=5),
    dim=st.integers(1, 80),
    offset=st.sampled_from([0.0, 1.0, 1e3]),
)
def test_any_split_into_batches_gives_the_same_spectrum(
    cuts: list[int], dim: int, offset: float
) -> None:
    embeddings = gaussian(60, dim) + offset
    batches = torch.tensor_split(embeddings, sorted(set(cuts)))
    moments = accumulated(*batches)
    assert moments.count == 60
    assert_same(moments.gram(), embeddings.T @ embeddings)
    for centred in (False, True):
        whole = singular_values(embeddings, centred=centred)
        assert_same(moments.singular_values(centred=centred).square(), whole.square())
        # The measures do not notice either.
        parts_rank = effective_rank(moments.singular_values(centred=centred))
        assert parts_rank == pytest.approx(effective_rank(whole), rel=1e-10)


def test_long_input_is_split_inside_without_a_trace() -> None:
    embeddings = gaussian(ROWS_AT_ONCE + 100, 3) + 2.0
    expected = torch.linalg.svdvals(embeddings)
    assert_same(singular_values(embeddings), expected)


def test_merging_equals_updating() -> None:
    first, second, third = gaussian(30, 6, seed=1) + 4.0, gaussian(1, 6), gaussian(17, 6, seed=2)
    left, right = accumulated(first), accumulated(second, third)
    right_before = right.gram()
    left.merge(right)
    whole = accumulated(torch.cat([first, second, third]))
    assert left.count == 48
    assert_same(left.covariance(), whole.covariance())
    assert_same(left.mean, whole.mean)
    assert torch.equal(right.gram(), right_before)
    assert right.count == 18


def test_merging_with_nothing_and_into_nothing() -> None:
    seen, empty = accumulated(gaussian(9, 4)), SecondMoments()
    gram = seen.gram()
    seen.merge(empty)
    assert torch.equal(seen.gram(), gram)
    empty.merge(seen)
    empty.update(gaussian(2, 4))
    assert torch.equal(seen.gram(), gram), "the two accumulators share memory"


def test_merging_with_itself_doubles_it() -> None:
    moments = accumulated(gaussian(9, 4))
    gram = moments.gram()
    moments.merge(moments)
    assert moments.count == 18
    assert_same(moments.gram(), 2 * gram)


def test_moments_match_their_definitions() -> None:
    embeddings = gaussian(20, 3) + 1.0
    moments = accumulated(embeddings[:7], embeddings[7:])
    assert (moments.count, moments.dim) == (20, 3)
    assert_same(moments.mean, embeddings.mean(dim=0))
    expected = torch.from_numpy(np.cov(numpy64(embeddings), rowvar=False, bias=True))
    assert_same(moments.covariance(), expected)


def test_memory_does_not_grow_with_the_rows() -> None:
    """dim² and a few dim, and fewer than 1,024 rows that wait for a worthwhile rank-k update."""
    moments = SecondMoments()
    for seed in range(100):
        moments.update(gaussian(50, 4, seed=seed))
        assert moments.count == 50 * (seed + 1)
        assert len(pickle.dumps(moments)) < ROWS_AT_ONCE * 4 * 8 + 20_000


def test_batches_are_not_mutated_and_not_kept() -> None:
    batch = gaussian(5, 2).float()
    before = batch.clone()
    moments = accumulated(batch)
    gram = moments.gram()
    assert torch.equal(batch, before)
    batch.zero_()
    assert torch.equal(moments.gram(), gram)


@pytest.mark.parametrize("t", [0.1, 1e-3, 1e-6])
def test_a_huge_mean_does_not_cancel_the_centred_spectrum(t: float) -> None:
    """Σzzᵀ − N z̄z̄ᵀ has no digit left at t = 1e-6: the variance is 1e-14 of the raw moment."""
    embeddings = near_collapse(t, 500, 64) * 10
    noise = numpy64(embeddings) - numpy64(embeddings).mean(axis=0)
    expected = torch.from_numpy(np.linalg.svd(noise, compute_uv=False))
    assert_same(singular_values(embeddings, centred=True), expected, relative=1e-8)
    moments = accumulated(*embeddings.split(37))
    assert_same(moments.singular_values(centred=True), expected, relative=1e-7)


@pytest.mark.parametrize("shape", [(30, 4), (4, 30)])
def test_equal_rows_have_no_centred_spectrum_at_all(shape: tuple[int, int]) -> None:
    embeddings = (gaussian(1, shape[1]) * 0.1).expand(shape)
    assert not singular_values(embeddings, centred=True).any()
    assert not covariance_eigenvalues(embeddings).any()
    moments = accumulated(*torch.split(embeddings, 3))
    assert not moments.singular_values(centred=True).any()


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


def test_another_dim_is_refused() -> None:
    moments = accumulated(gaussian(5, 3))
    with pytest.raises(EmbeddingError, match="got dim 4, wanted dim 3"):
        moments.update(gaussian(5, 4))
    with pytest.raises(EmbeddingError, match="got dim 2, wanted dim 3"):
        moments.merge(accumulated(gaussian(5, 2)))


def test_nothing_seen_is_an_error() -> None:
    empty = SecondMoments()
    assert (empty.count, empty.dim) == (0, 0)
    for ask in (empty.gram, empty.covariance, empty.singular_values, lambda: empty.mean):
        with pytest.raises(EmbeddingError, match=r"got 0 sample\(s\), wanted at least 1"):
            ask()


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


def test_cleaning_keeps_what_is_above_the_bounds() -> None:
    found = torch.tensor([1.0, 1e-3, 1e-15, -1e-18], dtype=torch.float64)
    assert cut_round_off(found, longest_side=10).tolist() == [1.0, 1e-3, 0.0, 0.0]
    assert cut_round_off(found, longest_side=10, floor=0.1).tolist() == [1.0, 0.0, 0.0, 0.0]
