"""Participation ratio against traces of the covariance: (tr C)² / tr C²."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from objectives import EmbeddingError, SecondMoments, participation_ratio
from tests.objectives.builders import QUICK, gaussian, near_collapse, numpy64, power_law, rotation


@QUICK
@given(n=st.integers(2, 40), dim=st.integers(1, 30), seed=st.integers(0, 9))
def test_matches_the_traces(n: int, dim: int, seed: int) -> None:
    embeddings = gaussian(n, dim, seed=seed) - 2.0
    covariance = np.atleast_2d(np.cov(numpy64(embeddings), rowvar=False))
    expected = np.trace(covariance) ** 2 / np.trace(covariance @ covariance)
    assert participation_ratio(embeddings) == pytest.approx(expected, rel=1e-9)
    assert 1.0 - 1e-9 <= expected <= min(n - 1, dim) * (1 + 1e-9)


def test_closed_forms() -> None:
    assert participation_ratio(torch.eye(10).repeat(3, 1)) == pytest.approx(9.0, rel=1e-9)
    ranks = torch.arange(1, 31, dtype=torch.float64)
    expected = float((1 / ranks).sum() ** 2 / (1 / ranks**2).sum())
    assert participation_ratio(power_law(1.0, 80, 30)) == pytest.approx(expected, rel=1e-9)


@QUICK
@given(seed=st.integers(0, 99), scale=st.sampled_from([-2.0, 1e-9, 1e9]), shift=st.floats(-9, 9))
def test_invariances(seed: int, scale: float, shift: float) -> None:
    embeddings = gaussian(30, 6, seed=seed)
    turned = (embeddings + shift).flip(0) @ rotation(6, seed=seed) * scale
    assert participation_ratio(turned) == pytest.approx(participation_ratio(embeddings), rel=1e-6)


def test_few_samples_bias_it_low() -> None:
    """By about PR / N (Chun et al., ICLR 2026)."""
    values = [participation_ratio(gaussian(400, 100, seed=seed)) for seed in range(5)]
    assert np.mean(values) == pytest.approx(100 / (1 + 100 / 400), rel=0.01)


def test_near_collapse_is_not_seen() -> None:
    assert participation_ratio(near_collapse(1e-3, 500, 64)) > 50


def test_equal_embeddings_and_one_sample() -> None:
    assert math.isnan(participation_ratio(torch.full((5, 3), 0.1)))
    with pytest.raises(EmbeddingError, match="at least 2"):
        participation_ratio(gaussian(1, 4))


def test_from_moments() -> None:
    embeddings = gaussian(50, 8) + 1.0
    moments = SecondMoments()
    for batch in embeddings.split(7):
        moments.update(batch)
    assert participation_ratio(moments) == pytest.approx(participation_ratio(embeddings), rel=1e-10)
