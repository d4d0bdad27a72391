"""Uniformity against Wang & Isola, ICML 2020 (arXiv 2005.10242), section 4.1."""

import importlib
import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.spatial
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.uniformity import uniformity
from tests.objectives.builders import (
    QUICK,
    axis_pairs,
    gaussian,
    generator,
    near_collapse,
    numpy64,
    rotation,
)

module = importlib.import_module("objectives.uniformity")


def reference_uniformity(embeddings: NDArray[np.float64], temperature: float = 2.0) -> float:
    """Wang & Isola 2020, section 4.1, over distinct pairs, by explicit differences."""
    units = embeddings / np.linalg.norm(embeddings, axis=1)[:, None]
    squares = scipy.spatial.distance.pdist(units, "sqeuclidean")
    return float(scipy.special.logsumexp(-temperature * squares) - math.log(len(squares)))


def uniform_sphere(dim: int, temperature: float) -> float:
    """ln E exp(−t (2 − 2 cos θ)) = −2t + ln ₀F₁(; dim/2; t²) for uniform points."""
    return -2 * temperature + math.log(scipy.special.hyp0f1(dim / 2, temperature**2))


@pytest.mark.parametrize("shape", [(60, 8), (8, 60), (2, 3), (3, 1), (2, 1)])
@pytest.mark.parametrize("temperature", [2.0, 0.1, 30.0])
def test_matches_the_reference(shape: tuple[int, int], temperature: float) -> None:
    embeddings = gaussian(*shape) * torch.linspace(0.1, 2.0, shape[1]) + 0.3
    expected = reference_uniformity(numpy64(embeddings), temperature)
    value = uniformity(embeddings, temperature=temperature)
    assert value == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 10, 20, 40, 41, 1024])
def test_blocks_do_not_change_it(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    embeddings = gaussian(41, 5) + 0.5
    monkeypatch.setattr(module, "ROWS_AT_ONCE", rows)
    assert uniformity(embeddings) == pytest.approx(
        reference_uniformity(numpy64(embeddings)), rel=1e-12
    )


def test_more_samples_than_one_block() -> None:
    embeddings = gaussian(module.ROWS_AT_ONCE + 9, 3) + 0.5
    assert uniformity(embeddings) == pytest.approx(
        reference_uniformity(numpy64(embeddings)), rel=1e-12
    )


@pytest.mark.parametrize("temperature", [0.5, 2.0, 100.0, 1000.0])
def test_closed_forms(temperature: float) -> None:
    """At t = 1000 each potential, e^−4000, is 0 in float64: only their logarithms are not."""
    t = temperature
    orthogonal = 3.0 * torch.eye(6, dtype=torch.float64)
    assert uniformity(orthogonal, temperature=t) == pytest.approx(-2 * t, rel=1e-12)
    opposite = axis_pairs([2.0])
    assert uniformity(opposite, temperature=t) == pytest.approx(-4 * t, rel=1e-12)
    # ±e_i in k dimensions: of the 2k − 1 others one is opposite, the rest are orthogonal.
    k = 4
    expected = np.logaddexp(math.log(2 * k - 2) - 2 * t, -4 * t) - math.log(2 * k - 1)
    assert uniformity(axis_pairs([1.0, 2.0, 3.0, 4.0]), temperature=t) == pytest.approx(
        float(expected), rel=1e-12
    )


def test_points_around_a_circle() -> None:
    n, t = 12, 2.0
    angles = torch.arange(n, dtype=torch.float64) * (2 * math.pi / n)
    chords = [4 * math.sin(math.pi * k / n) ** 2 for k in range(1, n)]
    expected = math.log(sum(math.exp(-t * c) for c in chords) / (n - 1))
    circle = torch.stack([angles.cos(), angles.sin()], dim=1)
    assert uniformity(circle, temperature=t) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dim", [2, 8, 64])
def test_a_uniform_cloud(dim: int) -> None:
    assert uniformity(gaussian(2000, dim)) == pytest.approx(uniform_sphere(dim, 2.0), abs=0.02)


def test_dimensional_collapse_is_hardly_seen() -> None:
    """The figures of the docstring."""
    assert uniform_sphere(512, 2.0) == pytest.approx(-3.98, abs=0.005)
    assert uniform_sphere(128, 2.0) == pytest.approx(-3.94, abs=0.005)


def test_noise_scores_better_than_clusters() -> None:
    """Goodhart: what ignores the image wins."""
    clusters = gaussian(10, 64).repeat(40, 1) + 0.3 * gaussian(400, 64, seed=1)
    assert uniformity(gaussian(400, 64)) < uniformity(clusters) - 0.5


@pytest.mark.parametrize("value", [0.1, -3.7])
def test_a_constant_network_has_the_worst_value(value: float) -> None:
    constant = value * (1 + torch.rand(9, generator=generator(0), dtype=torch.float64))
    assert uniformity(constant.expand(30, 9)) == pytest.approx(0.0, abs=1e-13)


def test_round_off_never_makes_equal_embeddings_nearer_than_equal() -> None:
    for seed in range(20):
        constant = gaussian(1, 9, seed=seed).expand(5, 9)
        assert uniformity(constant, temperature=1e12) <= 1e-12


def test_near_collapse_is_seen() -> None:
    """Where RankMe of centred embeddings reads near its maximum (metrics.md 5.6)."""
    values = [uniformity(near_collapse(t, 300, 64)) for t in (1.0, 0.1, 1e-3, 1e-6)]
    assert values == sorted(values)
    assert values[1] == pytest.approx(-2.0 * 2 * 64 * 0.1**2 / 7.45**2, rel=0.1)
    assert values[3] == pytest.approx(0.0, abs=1e-10)


@QUICK
@given(
    seed=st.integers(0, 999),
    temperature=st.sampled_from([0.5, 2.0, 50.0]),
    scale=st.sampled_from([-2.0, 1e-200, 1e-6, 1e6, 1e200]),
)
def test_invariances(seed: int, temperature: float, scale: float) -> None:
    embeddings = gaussian(25, 6, seed=seed) + 0.5
    expected = uniformity(embeddings, temperature=temperature)
    order = torch.randperm(25, generator=generator(seed))
    lengths = gaussian(25, 1, seed=seed).exp()
    turned = embeddings @ rotation(6, seed=seed)
    padded = torch.cat([embeddings, torch.zeros(25, 3, dtype=torch.float64)], dim=1)
    for changed in (embeddings * scale, embeddings * lengths, turned, embeddings[order], padded):
        value = uniformity(changed, temperature=temperature)
        assert value == pytest.approx(expected, rel=1e-9)


@QUICK
@given(n=st.integers(2, 40), dim=st.integers(1, 20), seed=st.integers(0, 99), t=st.floats(0.1, 9))
def test_bounds(n: int, dim: int, seed: int, t: float) -> None:
    value = uniformity(gaussian(n, dim, seed=seed), temperature=t)
    assert -2 * t * n / (n - 1) - 1e-9 <= value <= 1e-12


def test_a_shift_matters() -> None:
    embeddings = gaussian(40, 6)
    assert uniformity(embeddings + 10.0) > uniformity(embeddings) + 1.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_dtype_is_measured_in_float64(dtype: torch.dtype) -> None:
    embeddings = gaussian(30, 6).to(dtype)
    before = embeddings.clone()
    expected = reference_uniformity(numpy64(embeddings))
    assert uniformity(embeddings) == pytest.approx(expected, rel=1e-12)
    assert torch.equal(embeddings, before)


def test_strided_numpy_and_graph_inputs() -> None:
    embeddings = gaussian(30, 6)
    expected = uniformity(embeddings)
    strided = torch.stack([embeddings, gaussian(30, 6, seed=1)], dim=-1)[..., 0]
    assert not strided.is_contiguous()
    for values in (strided, embeddings.clone().requires_grad_(), numpy64(embeddings)):
        assert uniformity(values) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_temperatures_out_of_range_raise(temperature: float) -> None:
    with pytest.raises(InvalidArgumentError, match=r"temperature: got .* the paper uses 2"):
        uniformity(gaussian(5, 3), temperature=temperature)


def test_zero_embeddings_raise() -> None:
    embeddings = gaussian(5, 3)
    embeddings[[1, 4]] = 0.0
    with pytest.raises(EmbeddingError, match="embeddings: got 2 of 5 embeddings that are all zero"):
        uniformity(embeddings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:1], "got 1 sample, wanted at least 2"),
        (lambda rows: rows[None], r"wanted 2-D \(n_samples, dim\)"),
        (lambda rows: rows * float("nan"), "NaN or infinite"),
        (lambda rows: rows.long(), "got dtype torch.int64"),
    ],
)
def test_errors(change: Callable[[Tensor], Tensor], message: str) -> None:
    with pytest.raises(EmbeddingError, match=message):
        uniformity(change(gaussian(5, 3)))
