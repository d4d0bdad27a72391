"""RankMe against Garrido et al., ICML 2023 (arXiv 2210.02885); values from metrics.md 5 and 6."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectives import (
    EmbeddingError,
    InvalidArgumentError,
    SecondMoments,
    effective_rank,
    rankme,
    singular_values,
)
from tests.objectives.builders import (
    QUICK,
    axis_pairs,
    gaussian,
    near_collapse,
    numpy64,
    rotation,
    with_singular_values,
)


def reference_rankme(embeddings: NDArray[np.float64], epsilon: float = 1e-7) -> float:
    """Garrido et al. 2023, section 3, from a full SVD."""
    sigma = np.linalg.svd(embeddings, compute_uv=False)
    p = sigma / np.abs(sigma).sum() + epsilon
    p = p[p > 0]
    return float(np.exp(-(p * np.log(p)).sum()))


def eigenvalue_convention(embeddings: torch.Tensor, *, centred: bool) -> float:
    """What reptrix 0.1.0 and ssrlib 0.2.0 compute under the same name."""
    return effective_rank(singular_values(embeddings, centred=centred).square())


def centred_rankme(embeddings: torch.Tensor) -> float:
    return effective_rank(singular_values(embeddings, centred=True))


def one_hot(classes: int, per_class: int) -> torch.Tensor:
    return torch.eye(classes, dtype=torch.float64).repeat(per_class, 1)


@pytest.mark.parametrize("shape", [(200, 32), (32, 200), (50, 50), (1, 7), (7, 1)])
@pytest.mark.parametrize("epsilon", [0.0, 1e-7, 1e-5])
def test_matches_the_reference(shape: tuple[int, int], epsilon: float) -> None:
    embeddings = gaussian(*shape) * torch.linspace(0.1, 2.0, shape[1]) + 0.3
    expected = reference_rankme(numpy64(embeddings), epsilon)
    assert rankme(embeddings, epsilon=epsilon) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rank", [1, 2, 17])
@pytest.mark.parametrize("epsilon", [0.0, 1e-7])
def test_orthonormal_rows(rank: int, epsilon: float) -> None:
    p = 1 / rank + epsilon
    rows = rotation(40)[:rank]
    assert rankme(rows, epsilon=epsilon) == pytest.approx(math.exp(-rank * p * math.log(p)))
    assert rankme(rows, epsilon=0.0) == pytest.approx(rank, rel=1e-12)


def test_seventeen_orthonormal_rows_to_the_last_digit() -> None:
    assert rankme(rotation(40)[:17]) == pytest.approx(17.000053, abs=5e-7)


@pytest.mark.parametrize(
    ("diagonal", "expected"), [((3.0, 1.0), 1.75476535), ((1.0, 2.0, 3.0, 4.0), 3.59611547)]
)
def test_diagonal(diagonal: tuple[float, ...], expected: float) -> None:
    embeddings = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    assert rankme(embeddings, epsilon=0.0) == pytest.approx(expected, abs=5e-9)


def test_geometric_spectrum() -> None:
    sigma = 2.0 ** -torch.arange(1, 41, dtype=torch.float64)
    assert effective_rank(sigma) == pytest.approx(4.0, abs=1e-9)
    # Singular values below 1e-7 of the largest are beyond a Gram matrix: 2e-6 is what they hold.
    embeddings = with_singular_values(sigma, 64, centred=False)
    assert rankme(embeddings, epsilon=0.0) == pytest.approx(4.0, rel=2e-6)


def test_equal_rows_are_rank_one_uncentred_and_undefined_centred() -> None:
    embeddings = (0.1 * gaussian(1, 20)).expand(100, 20)
    assert rankme(embeddings, epsilon=0.0) == pytest.approx(1.0, abs=1e-12)
    assert math.isnan(centred_rankme(embeddings))


@pytest.mark.parametrize("classes", [2, 10])
def test_balanced_one_hot_tells_the_conventions_apart(classes: int) -> None:
    embeddings = one_hot(classes, 7)
    assert rankme(embeddings, epsilon=0.0) == pytest.approx(classes, rel=1e-9)
    assert centred_rankme(embeddings) == pytest.approx(classes - 1, rel=1e-9)


def test_axis_pairs_with_and_without_a_mean() -> None:
    pairs = axis_pairs([1.0] * 16)
    assert rankme(pairs, epsilon=0.0) == pytest.approx(16.0, rel=1e-12)
    assert centred_rankme(pairs) == pytest.approx(16.0, rel=1e-12)
    moved = pairs + 3.0 * torch.eye(16, dtype=torch.float64)[0]
    assert rankme(moved, epsilon=0.0) == pytest.approx(8.92904086, abs=5e-9)
    assert centred_rankme(moved) == pytest.approx(16.0, rel=1e-12)


def test_singular_values_and_not_eigenvalues() -> None:
    flat = torch.eye(8, dtype=torch.float64)
    assert eigenvalue_convention(flat, centred=False) == pytest.approx(rankme(flat, epsilon=0.0))
    telling = torch.diag(torch.tensor([3.0, 1.0], dtype=torch.float64))
    assert eigenvalue_convention(telling, centred=False) == pytest.approx(1.38414549, abs=5e-9)
    assert rankme(telling, epsilon=0.0) == pytest.approx(1.75476535, abs=5e-9)


def test_power_law_spectra_differ_by_convention() -> None:
    """metrics.md 5.1 row 1: 242/205/73 here, 197/72/5.0 in reptrix, for 2000 x 256."""
    ranks = torch.arange(1, 257, dtype=torch.float64)
    for decay, ours, theirs in ((0.5, 242, 197), (1.0, 205, 72), (2.0, 73, 5.0)):
        embeddings = gaussian(2000, 256) * ranks ** (-decay / 2)
        assert rankme(embeddings) == pytest.approx(ours, rel=0.03)
        assert eigenvalue_convention(embeddings, centred=True) == pytest.approx(theirs, rel=0.05)


def test_gaussian_noise_limits() -> None:
    """a·exp(−a/2b) for eigenvalues; D·exp(−D/8N) and 0.80504·D for singular values."""
    tall, square, wide = gaussian(2000, 64), gaussian(400, 400), gaussian(1000, 1024)
    assert rankme(tall) == pytest.approx(63.74, abs=0.03)
    assert rankme(square) == pytest.approx(0.80504 * 400, rel=0.005)
    assert eigenvalue_convention(wide, centred=False) == pytest.approx(613.7, rel=0.002)
    assert rankme(wide) == pytest.approx(814.357, rel=0.002)


def test_epsilon_excess_of_a_flat_spectrum() -> None:
    flat = torch.ones(2048, dtype=torch.float64)
    assert effective_rank(flat, epsilon=1e-7) / 2048 == pytest.approx(1.001358, abs=5e-7)
    for dim, excess in ((128, 1.005), (512, 1.027), (2048, 1.145), (8192, 1.92)):
        value = effective_rank(torch.ones(dim, dtype=torch.float64), epsilon=1e-5)
        assert value / dim == pytest.approx(excess, abs=2e-3)


def test_epsilon_excess_of_rank_one_in_2048() -> None:
    spectrum = torch.zeros(2048, dtype=torch.float64)
    spectrum[0] = 5.0
    assert effective_rank(spectrum, epsilon=1e-7) == pytest.approx(1.0033, abs=5e-5)
    assert effective_rank(spectrum, epsilon=1e-5) == pytest.approx(1.2657, abs=5e-5)


def test_a_large_epsilon_favours_wide_projectors_and_ours_does_not() -> None:
    """metrics.md 5.1 row 7: 64 directions zero-padded to 256/1024/2048 dims at epsilon 1e-5."""
    for dim, inflated in ((64, 64.0), (256, 65.4), (1024, 71.5), (2048, 80.4)):
        spectrum = torch.zeros(dim, dtype=torch.float64)
        spectrum[:64] = 1.0
        assert effective_rank(spectrum, epsilon=1e-5) == pytest.approx(inflated, rel=0.005)
        assert effective_rank(spectrum, epsilon=1e-7) == pytest.approx(64.0, rel=0.004)


@pytest.mark.parametrize(("t", "expected"), [(0.1, 13.2), (1e-3, 1.09), (1e-6, 1.00)])
def test_near_collapse_is_seen_only_uncentred(t: float, expected: float) -> None:
    """metrics.md 5.6."""
    embeddings = near_collapse(t, 500, 64)
    assert rankme(embeddings) == pytest.approx(expected, rel=0.03)
    assert centred_rankme(embeddings) == pytest.approx(62.9, abs=0.1)
    assert eigenvalue_convention(embeddings, centred=True) > 58


def test_an_outlier_row_lowers_it() -> None:
    """metrics.md 5.7: one row x1000."""
    embeddings = gaussian(1000, 64)
    embeddings[0] *= 1000
    assert rankme(embeddings) < 0.7 * rankme(embeddings[1:])


def test_it_grows_with_the_sample_count() -> None:
    """metrics.md 1.1: comparable only at equal N."""
    embeddings = gaussian(1280, 128) * torch.arange(1, 129, dtype=torch.float64) ** -0.5
    values = [rankme(embeddings[:n]) for n in (64, 128, 1280)]
    assert values == sorted(values)
    assert values[-1] > 1.5 * values[0]


def test_low_precision_features_inflate_a_low_rank() -> None:
    """metrics.md 5.7: rank 16 reads 17.3 in bfloat16, 16.1 in float16."""
    embeddings = gaussian(1000, 16, seed=9) @ gaussian(16, 128, seed=8)
    single, half, brain = (
        rankme(embeddings.to(dtype)) for dtype in (torch.float32, torch.float16, torch.bfloat16)
    )
    assert single <= 16.01
    assert single < half < brain < 18


@QUICK
@given(
    n=st.integers(2, 40),
    dim=st.integers(1, 40),
    seed=st.integers(0, 999),
    scale=st.sampled_from([-3.0, 1e-6, 0.5, 1e6]),
    repeats=st.integers(1, 3),
)
def test_invariances(n: int, dim: int, seed: int, scale: float, repeats: int) -> None:
    embeddings = gaussian(n, dim, seed=seed) + 0.2
    expected = rankme(embeddings, epsilon=0.0)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    zeros = torch.zeros(n, 5, dtype=torch.float64)
    for changed in (
        embeddings * scale,
        embeddings @ rotation(dim, seed=seed + 1),
        embeddings[order],
        embeddings.repeat(repeats, 1),
        torch.cat([embeddings, zeros], dim=1),
        torch.cat([embeddings, embeddings], dim=1),
    ):
        assert rankme(changed, epsilon=0.0) == pytest.approx(expected, rel=1e-6)
    assert 1.0 - 1e-9 <= expected <= min(n, dim) * (1 + 1e-9)


def test_translation_is_not_an_invariance() -> None:
    embeddings = gaussian(200, 32)
    assert rankme(embeddings + 20.0) < 0.5 * rankme(embeddings)


@QUICK
@given(cut=st.integers(1, 99), offset=st.sampled_from([0.0, 100.0]))
def test_streamed_in_batches(cut: int, offset: float) -> None:
    embeddings = gaussian(100, 16) + offset
    moments = SecondMoments()
    for batch in (embeddings[:cut], embeddings[cut:]):
        moments.update(batch)
    streamed = effective_rank(moments.singular_values(), epsilon=1e-7)
    assert streamed == pytest.approx(rankme(embeddings), rel=1e-10)


def test_all_zero_embeddings_raise() -> None:
    with pytest.raises(EmbeddingError, match=r"only zeros .* 0/0, .* collapsed"):
        rankme(torch.zeros(5, 3))


def test_negative_epsilon_raises() -> None:
    with pytest.raises(InvalidArgumentError, match=r"epsilon: got -0\.1"):
        rankme(gaussian(5, 3), epsilon=-0.1)
