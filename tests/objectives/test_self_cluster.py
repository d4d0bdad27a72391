"""Self-cluster against Tsitsulin et al. 2023 (arXiv 2305.16562), definition 3.5."""

import importlib
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from objectives.errors import EmbeddingError
from objectives.self_cluster import self_cluster
from tests.objectives.builders import (
    QUICK,
    axis_pairs,
    gaussian,
    generator,
    near_collapse,
    numpy64,
    rotation,
)

module = importlib.import_module("objectives.self_cluster")


def reference_self_cluster(embeddings: NDArray[np.float64]) -> float:
    """metrics.md 4.3, its Q summed pair by pair."""
    n, d = embeddings.shape
    q = math.fsum(
        (np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v))) ** 2
        for u in embeddings
        for v in embeddings
    )
    return (q - n - n * (n - 1) / d) / (n * n - n - n * (n - 1) / d)


@pytest.mark.parametrize("shape", [(60, 8), (8, 60), (20, 20), (2, 2), (2, 5), (19, 20), (21, 20)])
@pytest.mark.parametrize("shift", [0.0, 0.5, 5.0])
def test_matches_the_reference(shape: tuple[int, int], shift: float) -> None:
    embeddings = gaussian(*shape) * torch.linspace(0.1, 2.0, shape[1]) + shift
    expected = reference_self_cluster(numpy64(embeddings))
    assert self_cluster(embeddings) == pytest.approx(expected, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("rows", [1, 7, 40, 41, 8192])
def test_chunks_do_not_change_it(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    embeddings = gaussian(41, 5) + 0.5
    monkeypatch.setattr(module, "ROWS_AT_ONCE", rows)
    expected = reference_self_cluster(numpy64(embeddings))
    assert self_cluster(embeddings) == pytest.approx(expected, rel=1e-12)


def test_few_wide_embeddings_need_no_matrix_of_their_width() -> None:
    """200,000² doubles would be 320 GB."""
    assert self_cluster(gaussian(3, 200_000)) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(("n", "dim"), [(2, 2), (50, 8), (8, 50), (50, 50)])
def test_one_line_is_one_whatever_the_signs(n: int, dim: int) -> None:
    line = gaussian(n, 1) * gaussian(1, dim, seed=1)
    assert (line[:, 0] > 0).any()
    assert (line[:, 0] < 0).any()
    assert self_cluster(line) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("value", [0.1, -3.7])
def test_a_constant_network_reads_one(value: float) -> None:
    constant = value * (1 + torch.rand(9, generator=generator(0), dtype=torch.float64))
    assert self_cluster(constant.expand(30, 9)) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("clusters", [2, 3, 10])
@pytest.mark.parametrize("per_cluster", [1, 4])
def test_orthogonal_clusters(clusters: int, per_cluster: int) -> None:
    """K clusters of m on K of D axes: a pair is equal with probability (m − 1) / (N − 1)."""
    dim = 10
    n = clusters * per_cluster
    rows = torch.eye(dim, dtype=torch.float64)[:clusters].repeat(per_cluster, 1)
    mean_square = (per_cluster - 1) / (n - 1)
    expected = (mean_square - 1 / dim) / (1 - 1 / dim)
    assert self_cluster(rows) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("rows", "lowest"),
    [
        (torch.eye(12)[:5], -1 / 11),
        (torch.eye(12), -1 / 11),
        (axis_pairs([1.0, 2.0, 3.0]), -1 / 5),
        (torch.tensor([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]]), -1 / 2),
    ],
)
def test_tight_frames_have_the_lowest_value(rows: Tensor, lowest: float) -> None:
    """Q is at least max(N, N²/D) (Welch), so no value is below −1 / (max(N, D) − 1)."""
    assert self_cluster(rows) == pytest.approx(lowest, rel=1e-6)


@pytest.mark.parametrize("shape", [(5, 16), (16, 16), (40, 8)])
def test_a_uniform_cloud_reads_zero_at_any_sample_count(shape: tuple[int, int]) -> None:
    values = np.array([self_cluster(gaussian(*shape, seed=seed)) for seed in range(300)])
    assert values.mean() == pytest.approx(0.0, abs=4 * values.std() / 300**0.5)
    assert values.std() < 0.05


def test_it_falls_as_the_embeddings_spread() -> None:
    values = [self_cluster(near_collapse(t, 300, 64)) for t in (1e-6, 1e-3, 0.1, 1.0, 10.0)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(1.0, rel=1e-10)
    assert values[-1] < 0.01


def test_the_norm_is_squared() -> None:
    """The paper prints ‖UUᵀ‖_F: unsquared, one point would not read 1, nor a uniform cloud 0."""
    n, dim = 50, 8
    units = torch.nn.functional.normalize(gaussian(n, dim))
    by_chance = n + n * (n - 1) / dim
    unsquared = (float((units @ units.T).norm()) - by_chance) / (n * n - by_chance)
    assert unsquared < -0.1
    assert self_cluster(units) == pytest.approx(0.0, abs=0.05)


@QUICK
@given(seed=st.integers(0, 999), scale=st.sampled_from([-2.0, 1e-200, 1e-6, 1e6, 1e200]))
def test_invariances(seed: int, scale: float) -> None:
    embeddings = gaussian(25, 6, seed=seed) + 0.5
    expected = self_cluster(embeddings)
    order = torch.randperm(25, generator=generator(seed))
    lengths_and_signs = gaussian(25, 1, seed=seed)
    turned = embeddings @ rotation(6, seed=seed)
    for changed in (
        embeddings * scale,
        embeddings * lengths_and_signs,
        turned,
        embeddings[order],
    ):
        assert self_cluster(changed) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@QUICK
@given(n=st.integers(2, 30), dim=st.integers(2, 30), seed=st.integers(0, 99))
def test_bounds(n: int, dim: int, seed: int) -> None:
    value = self_cluster(gaussian(n, dim, seed=seed))
    assert -1 / (max(n, dim) - 1) - 1e-12 <= value <= 1.0 + 1e-12


def test_a_shift_matters() -> None:
    embeddings = gaussian(40, 6)
    assert self_cluster(embeddings + 10.0) > 0.9
    assert self_cluster(embeddings) < 0.1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(30, 6), (6, 30)])
def test_any_dtype_is_measured_in_float64(dtype: torch.dtype, shape: tuple[int, int]) -> None:
    embeddings = (gaussian(*shape) + 0.5).to(dtype)
    before = embeddings.clone()
    expected = reference_self_cluster(numpy64(embeddings))
    assert self_cluster(embeddings) == pytest.approx(expected, rel=1e-11)
    assert torch.equal(embeddings, before)


def test_strided_numpy_and_graph_inputs() -> None:
    embeddings = gaussian(30, 6) + 0.5
    expected = self_cluster(embeddings)
    strided = torch.stack([embeddings, gaussian(30, 6, seed=1)], dim=-1)[..., 0]
    assert not strided.is_contiguous()
    for values in (strided, embeddings.clone().requires_grad_(), numpy64(embeddings)):
        assert self_cluster(values) == pytest.approx(expected, rel=1e-13)


def test_zero_embeddings_raise() -> None:
    embeddings = gaussian(5, 3)
    embeddings[[1, 4]] = 0.0
    with pytest.raises(EmbeddingError, match="embeddings: got 2 of 5 embeddings that are all zero"):
        self_cluster(embeddings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:1], r"got shape \(1, 3\), wanted at least 2 samples"),
        (lambda rows: rows[:, :1], r"got shape \(5, 1\), .* at least 2 dimensions"),
        (lambda rows: rows[None], r"wanted 2-D \(n_samples, dim\)"),
        (lambda rows: rows * float("nan"), "NaN or infinite"),
        (lambda rows: rows.long(), "got dtype torch.int64"),
    ],
)
def test_errors(change: Callable[[Tensor], Tensor], message: str) -> None:
    with pytest.raises(EmbeddingError, match=message):
        self_cluster(change(gaussian(5, 3)))
