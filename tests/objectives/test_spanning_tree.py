"""The minimum spanning tree against closed forms, Kruskal's algorithm and single linkage."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import single
from scipy.spatial.distance import pdist
from torch import Tensor

from objectives import EmbeddingError, InvalidArgumentError
from objectives.spanning_tree import ROWS_AT_ONCE, prefix_tree_lengths, spanning_tree_length
from tests.objectives.builders import QUICK, gaussian, generator, numpy64, rotation


def reference_length(points: NDArray[np.float64]) -> float:
    """Single linkage merges along the edges of the minimum spanning tree."""
    return float(single(pdist(points))[:, 2].sum())


def kruskal_length(points: list[list[float]]) -> float:
    """Edges from short to long, each kept unless it closes a cycle; lengths by math.dist."""
    component = list(range(len(points)))
    pairs = itertools.combinations(range(len(points)), 2)
    kept = []
    for length, i, j in sorted((math.dist(points[i], points[j]), i, j) for i, j in pairs):
        if component[i] != component[j]:
            kept.append(length)
            merged, gone = component[i], component[j]
            component = [merged if c == gone else c for c in component]
    return math.fsum(kept)


def spread(flat: Tensor, dim: int = 7) -> Tensor:
    """The same figure, turned and moved, in more dimensions."""
    return flat @ rotation(dim)[: flat.shape[1]] + 3.0


@pytest.mark.parametrize("shape", [(2, 3), (40, 2), (200, 5), (60, 300)])
def test_matches_kruskal(shape: tuple[int, int]) -> None:
    points = gaussian(*shape)
    expected = kruskal_length(points.tolist())
    assert spanning_tree_length(points) == pytest.approx(expected, rel=1e-12)


def test_matches_single_linkage_over_several_blocks() -> None:
    points = gaussian(2 * ROWS_AT_ONCE + 100, 4)
    expected = reference_length(points.numpy())
    assert spanning_tree_length(points) == pytest.approx(expected, rel=1e-12)


@QUICK
@given(
    seed=st.integers(0, 999),
    sizes=st.sets(st.integers(1, 60), min_size=1, max_size=6).map(sorted),
    dim=st.integers(1, 8),
    levels=st.sampled_from([None, 1, 3]),
)
def test_every_prefix_has_its_own_tree(
    seed: int, sizes: list[int], dim: int, levels: int | None
) -> None:
    """Also with ties and equal points everywhere, which coordinates of few levels have."""
    points = gaussian(60, dim, seed=seed)
    if levels is not None:
        points = (points * levels).round()
    for size, length in zip(sizes, prefix_tree_lengths(points, sizes), strict=True):
        expected = reference_length(points[:size].numpy()) if size > 1 else 0.0
        assert length == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert length == pytest.approx(spanning_tree_length(points[:size]), rel=1e-12, abs=1e-12)


def test_a_line_is_as_long_as_its_range() -> None:
    places = gaussian(300, 1)
    expected = float(places.max() - places.min())
    assert spanning_tree_length(spread(places)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [2, 5, 100])
def test_a_simplex_has_equal_edges(n: int) -> None:
    points = 3.0 * torch.eye(n, dtype=torch.float64)
    expected = (n - 1) * 3.0 * math.sqrt(2.0)
    assert spanning_tree_length(points) == pytest.approx(expected, rel=1e-12)


def test_a_grid_has_one_step_for_each_point_but_one() -> None:
    grid = torch.cartesian_prod(torch.arange(12), torch.arange(9)).double() * 0.25
    grid = grid[torch.randperm(108, generator=generator(0))]
    assert spanning_tree_length(spread(grid)) == pytest.approx(107 * 0.25, rel=1e-12)


def test_equal_points_are_joined_for_nothing() -> None:
    points = gaussian(20, 6)
    length = spanning_tree_length(points)
    assert spanning_tree_length(points.repeat(3, 1)) == pytest.approx(length, rel=1e-12)
    assert spanning_tree_length((0.1 * gaussian(1, 20)).expand(60, 20)) == 0.0
    assert spanning_tree_length(points[:1]) == 0.0


def test_near_copies_are_measured_from_differences() -> None:
    """Eight pairs 1e-6 apart on unit axes: an inner product would miss each by 1e-10."""
    corners = torch.cat([torch.eye(8), torch.zeros(8, 1)], dim=1).double()
    copies = corners + 1e-6 * torch.eye(9, dtype=torch.float64)[8]
    length = spanning_tree_length(torch.cat([corners, copies]))
    assert length == pytest.approx(7 * math.sqrt(2.0) + 8e-6, abs=1e-11)


def test_a_long_mean_does_not_hide_the_distances() -> None:
    points = 1e-3 * gaussian(100, 6)
    expected = reference_length(points.numpy())
    assert spanning_tree_length(points + 1e6) == pytest.approx(expected, rel=1e-6)


@QUICK
@given(seed=st.integers(0, 999), scale=st.sampled_from([-2.0, 1e-5, 1e5]), shift=st.floats(-9, 9))
def test_invariances(seed: int, scale: float, shift: float) -> None:
    points = gaussian(40, 6, seed=seed)
    length = spanning_tree_length(points)
    order = torch.randperm(40, generator=generator(seed))
    for same in (points[order], points + shift, points @ rotation(6, seed=seed + 1)):
        assert spanning_tree_length(same) == pytest.approx(length, rel=1e-10)
    assert spanning_tree_length(scale * points) == pytest.approx(abs(scale) * length, rel=1e-10)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_dtype_is_measured_in_float64(dtype: torch.dtype) -> None:
    points = gaussian(50, 8).to(dtype)
    expected = reference_length(numpy64(points))
    assert spanning_tree_length(points) == pytest.approx(expected, rel=1e-12)


def test_arrays_and_views_are_read_and_not_changed() -> None:
    points = gaussian(50, 8)
    before, expected = points.clone(), spanning_tree_length(points)
    frozen = points.numpy().copy()
    frozen.flags.writeable = False
    strided = torch.stack([points, points], dim=2)[:, :, 1]
    assert not strided.is_contiguous()
    for same in (frozen, strided, points.clone().requires_grad_()):
        assert spanning_tree_length(same) == pytest.approx(expected, rel=1e-12)
    assert torch.equal(points, before)


@pytest.mark.parametrize("sizes", [[], [0, 3], [3, 3], [4, 2], [2, 11], [-1]])
def test_impossible_sizes_raise(sizes: list[int]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"sizes: got .* for 10 points, wanted"):
        prefix_tree_lengths(gaussian(10, 2), sizes)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (gaussian(5), "points: got a 1-D array"),
        (torch.ones(5, 2, dtype=torch.int64), "points: got dtype"),
        (torch.tensor([[1.0], [math.nan]]), "points: got 1 of 2 rows"),
        (torch.tensor([[1e200], [0.0]], dtype=torch.float64), "overflow float64"),
    ],
)
def test_impossible_points_raise(points: Tensor, message: str) -> None:
    with pytest.raises(EmbeddingError, match=message):
        spanning_tree_length(points)
    with pytest.raises(EmbeddingError, match=message):
        prefix_tree_lengths(points, [1])
