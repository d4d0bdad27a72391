"""Stable rank and NESum against their norms (numpy.linalg.norm of order 2 and Frobenius)."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from objectives import EmbeddingError, SecondMoments, nesum, stable_rank
from tests.objectives.builders import (
    QUICK,
    axis_pairs,
    gaussian,
    near_collapse,
    numpy64,
    power_law,
    rotation,
)


@QUICK
@given(n=st.integers(2, 40), dim=st.integers(1, 30), shift=st.floats(-3, 3), seed=st.integers(0, 9))
def test_match_the_norms(n: int, dim: int, shift: float, seed: int) -> None:
    embeddings = gaussian(n, dim, seed=seed) + shift
    x = numpy64(embeddings)
    expected = np.linalg.norm(x) ** 2 / np.linalg.norm(x, 2) ** 2
    assert stable_rank(embeddings) == pytest.approx(expected, rel=1e-9)
    centred = x - x.mean(axis=0)
    expected = np.linalg.norm(centred) ** 2 / np.linalg.norm(centred, 2) ** 2
    assert nesum(embeddings) == pytest.approx(expected, rel=1e-9)


def test_closed_forms() -> None:
    assert stable_rank(torch.eye(7)) == pytest.approx(7.0, rel=1e-12)
    assert stable_rank(axis_pairs([3.0, 1.0])) == pytest.approx(10 / 9, rel=1e-12)
    one_hot = torch.eye(10).repeat(3, 1)
    assert stable_rank(one_hot) == pytest.approx(10.0, rel=1e-9)
    assert nesum(one_hot) == pytest.approx(9.0, rel=1e-9)
    ranks = torch.arange(1, 31, dtype=torch.float64)
    assert nesum(power_law(1.0, 80, 30)) == pytest.approx(float((1 / ranks).sum()), rel=1e-9)


@QUICK
@given(seed=st.integers(0, 99), scale=st.sampled_from([-2.0, 1e-6, 1e6]), shift=st.floats(-9, 9))
def test_invariances(seed: int, scale: float, shift: float) -> None:
    embeddings = gaussian(30, 6, seed=seed)
    turned = embeddings.flip(0) @ rotation(6, seed=seed) * scale
    assert stable_rank(turned) == pytest.approx(stable_rank(embeddings), rel=1e-9)
    assert nesum(turned + shift) == pytest.approx(nesum(embeddings), rel=1e-6)
    assert stable_rank(embeddings.repeat(3, 1)) == pytest.approx(stable_rank(embeddings), rel=1e-9)


def test_only_the_uncentred_one_sees_near_collapse() -> None:
    embeddings = near_collapse(1e-3, 500, 64)
    assert stable_rank(embeddings) == pytest.approx(1.0, abs=1e-4)
    assert nesum(embeddings) > 30


def test_equal_embeddings() -> None:
    embeddings = torch.full((5, 3), 0.1)
    assert stable_rank(embeddings) == pytest.approx(1.0, rel=1e-9)
    assert math.isnan(nesum(embeddings))
    with pytest.raises(EmbeddingError, match=r"only zeros.* 0/0"):
        stable_rank(torch.zeros(5, 3))


def test_from_moments() -> None:
    embeddings = gaussian(50, 8) + 1.0
    moments = SecondMoments()
    for batch in embeddings.split(7):
        moments.update(batch)
    assert stable_rank(moments) == pytest.approx(stable_rank(embeddings), rel=1e-10)
    assert nesum(moments) == pytest.approx(nesum(embeddings), rel=1e-10)


def test_one_sample() -> None:
    assert stable_rank(gaussian(1, 4)) == pytest.approx(1.0, rel=1e-12)
    with pytest.raises(EmbeddingError, match="at least 2"):
        nesum(gaussian(1, 4))
