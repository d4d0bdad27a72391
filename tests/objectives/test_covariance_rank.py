"""The rank that reptrix 0.1.0 and ssrlib 0.2.0 call RankMe; values from metrics.md 5.1 and 6."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectives import EmbeddingError, InvalidArgumentError, SecondMoments, covariance_rank, rankme
from tests.objectives.builders import (
    QUICK,
    axis_pairs,
    gaussian,
    near_collapse,
    numpy64,
    rotation,
)


def reference(x: NDArray[np.float64], epsilon: float, centred: bool) -> float:
    """exp H of explained-variance ratios, as sklearn's PCA gives them for reptrix."""
    covariance = np.atleast_2d(np.cov(x, rowvar=False, bias=True) if centred else x.T @ x)
    eigenvalues = np.clip(np.linalg.eigvalsh(covariance), 0.0, None)[::-1]
    eigenvalues = eigenvalues[: min(len(x) - centred, x.shape[1])]
    p = eigenvalues / eigenvalues.sum() + epsilon
    p = p[p > 0]
    return float(np.exp(-(p * np.log(p)).sum()))


@pytest.mark.parametrize("shape", [(60, 12), (12, 60), (20, 20)])
@pytest.mark.parametrize("epsilon", [0.0, 1e-7])
@pytest.mark.parametrize("centred", [True, False])
def test_matches_the_reference(shape: tuple[int, int], epsilon: float, centred: bool) -> None:
    embeddings = gaussian(*shape) * torch.linspace(0.2, 2.0, shape[1]) + 0.7
    expected = reference(numpy64(embeddings), epsilon, centred)
    found = covariance_rank(embeddings, epsilon=epsilon, centred=centred)
    assert found == pytest.approx(expected, rel=1e-9)


def test_it_is_not_rankme() -> None:
    """metrics.md 5.1 row 1: 197/72/5.0 where RankMe is 242/205/73, for 2000 x 256."""
    ranks = torch.arange(1, 257, dtype=torch.float64)
    for decay, theirs in ((0.5, 197), (1.0, 72), (2.0, 5.0)):
        embeddings = gaussian(2000, 256) * ranks ** (-decay / 2)
        assert covariance_rank(embeddings) == pytest.approx(theirs, rel=0.05)
        assert rankme(embeddings) > 1.2 * theirs


def test_reptrix_pins_this_one() -> None:
    """Its test pins 613.4726 on noise of 1000 x 1024: a·exp(−a/2b), where RankMe is 814."""
    noise = gaussian(1000, 1024)
    assert covariance_rank(noise) == pytest.approx(613.5, rel=0.002)


def test_a_mean_of_norm_20() -> None:
    """metrics.md 5.1 rows 3 and 4: centred does not see it, uncentred squares it up to 1.15."""
    ranks = torch.arange(1, 257, dtype=torch.float64)
    embeddings = gaussian(2000, 256) * ranks**-0.5
    moved = embeddings + 20.0 * rotation(256)[0]
    assert covariance_rank(moved) == pytest.approx(covariance_rank(embeddings), rel=1e-9)
    assert covariance_rank(moved, centred=False) == pytest.approx(1.15, abs=0.02)


def test_golden_cases() -> None:
    assert covariance_rank(axis_pairs([3.0, 1.0]), epsilon=0.0) == pytest.approx(1.38414549)
    one_hot = torch.eye(10).repeat(3, 1)
    assert covariance_rank(one_hot, epsilon=0.0) == pytest.approx(9.0, rel=1e-9)
    assert covariance_rank(one_hot, epsilon=0.0, centred=False) == pytest.approx(10.0, rel=1e-9)


@pytest.mark.parametrize("t", [0.1, 1e-3, 1e-6])
def test_near_collapse_reads_near_the_maximum(t: float) -> None:
    """metrics.md 5.6: 59.8, the trap that scores a collapsed network as a good one."""
    assert covariance_rank(near_collapse(t, 500, 64)) == pytest.approx(59.8, rel=0.02)


@QUICK
@given(seed=st.integers(0, 99), scale=st.sampled_from([-2.0, 1e-6, 1e6]), shift=st.floats(-9, 9))
def test_invariances(seed: int, scale: float, shift: float) -> None:
    embeddings = gaussian(30, 6, seed=seed)
    turned = (embeddings + shift).flip(0) @ rotation(6, seed=seed) * scale
    assert covariance_rank(turned) == pytest.approx(covariance_rank(embeddings), rel=1e-6)


def test_equal_embeddings_have_no_value_and_one_sample_is_refused() -> None:
    assert math.isnan(covariance_rank(torch.full((5, 3), 0.1)))
    with pytest.raises(EmbeddingError, match="at least 2"):
        covariance_rank(gaussian(1, 4))
    with pytest.raises(InvalidArgumentError, match="epsilon: got -1"):
        covariance_rank(gaussian(5, 4), epsilon=-1.0)


def test_from_moments() -> None:
    embeddings = gaussian(50, 8) + 1.0
    moments = SecondMoments()
    for batch in embeddings.split(7):
        moments.update(batch)
    assert covariance_rank(moments) == pytest.approx(covariance_rank(embeddings), rel=1e-10)
