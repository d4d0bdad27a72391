"""1 - linear CKA, against its HSIC form with centred Gram matrices."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectives import EmbeddingError, distance_from_initialisation
from tests.objectives.builders import QUICK, gaussian, numpy64, rotation

seeds = st.integers(0, 999)


def reference_distance(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """1 - CKA(K, L), K = XX', L = YY', HSIC(K, L) = tr(KHLH) / (n - 1)^2.

    Kornblith et al. 2019 (arXiv 1905.00414), section 3: the n x n form, not the d x d one.
    """
    n = len(x)
    h = np.eye(n) - np.ones((n, n)) / n

    def hsic(k: NDArray[np.float64], m: NDArray[np.float64]) -> float:
        return float(np.trace(k @ h @ m @ h)) / (n - 1) ** 2

    k, m = x @ x.T, y @ y.T
    return 1 - hsic(k, m) / math.sqrt(hsic(k, k) * hsic(m, m))


@QUICK
@given(n=st.integers(3, 30), dims=st.tuples(st.integers(1, 20), st.integers(1, 20)), seed=seeds)
def test_matches_the_reference(n: int, dims: tuple[int, int], seed: int) -> None:
    x = gaussian(n, dims[0], seed=seed) * 3 + 1
    y = gaussian(n, dims[1], seed=seed + 1) - 2
    expected = reference_distance(numpy64(x), numpy64(y))
    assert distance_from_initialisation(x, y) == pytest.approx(expected, abs=1e-10)


@QUICK
@given(seed=seeds, mix=st.floats(0.0, 1.0))
def test_matches_the_reference_for_a_network_on_its_way(seed: int, mix: float) -> None:
    before = gaussian(40, 8, seed=seed)
    after = (1 - mix) * before + mix * gaussian(40, 8, seed=seed + 1)
    expected = reference_distance(numpy64(after), numpy64(before))
    assert distance_from_initialisation(after, before) == pytest.approx(expected, abs=1e-10)


@QUICK
@given(
    seed=seeds,
    scale=st.sampled_from([-2.0, 1e-6, 1e-3, 0.5, 1e3, 1e6]),
    shift=st.floats(-10.0, 10.0),
)
def test_invariances(seed: int, scale: float, shift: float) -> None:
    x, y = gaussian(30, 6, seed=seed), gaussian(30, 5, seed=seed + 1)
    expected = distance_from_initialisation(x, y)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(seed))
    for changed in (x + shift, x * scale, x @ rotation(6, seed=seed), x @ -torch.eye(6).double()):
        assert distance_from_initialisation(changed, y) == pytest.approx(expected, abs=1e-9)
    assert distance_from_initialisation(x[order], y[order]) == pytest.approx(expected, abs=1e-9)
    assert distance_from_initialisation(y, x) == pytest.approx(expected, abs=1e-9)


@QUICK
@given(seed=seeds, scale=st.sampled_from([1e-3, 1.0, 1e3]), shift=st.floats(-100.0, 100.0))
def test_the_same_geometry_has_no_distance(seed: int, scale: float, shift: float) -> None:
    x = gaussian(25, 7, seed=seed)
    moved = scale * x @ rotation(7, seed=seed) + shift
    assert distance_from_initialisation(moved, x) == pytest.approx(0.0, abs=1e-9)


@QUICK
@given(n=st.integers(2, 20), dim=st.integers(1, 30), seed=seeds)
def test_bounds(n: int, dim: int, seed: int) -> None:
    x, y = gaussian(n, dim, seed=seed), gaussian(n, dim, seed=seed + 1)
    assert 0.0 <= distance_from_initialisation(x, y) <= 1.0
    assert 0.0 <= distance_from_initialisation(x, x) <= 1e-12


def test_an_invertible_map_that_is_not_a_rotation_is_a_distance() -> None:
    """Linear CKA is invariant to orthogonal maps only (its section 2.1)."""
    x = gaussian(100, 5)
    stretched = x * torch.tensor([1.0, 3.0, 9.0, 27.0, 81.0])
    assert distance_from_initialisation(stretched, x) > 0.3


def test_independent_features_of_many_images_are_nearly_as_far_as_can_be() -> None:
    assert distance_from_initialisation(gaussian(4000, 4), gaussian(4000, 4, seed=1)) > 0.99


def test_orthogonal_features_are_at_distance_one() -> None:
    x = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
    y = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    assert distance_from_initialisation(x, y) == 1.0


def test_the_distance_grows_on_the_way() -> None:
    before, other = gaussian(200, 8), gaussian(200, 8, seed=1)
    shares = torch.linspace(0.0, 1.0, 6).tolist()
    distances = [distance_from_initialisation((1 - s) * before + s * other, before) for s in shares]
    assert distances == sorted(distances)
    assert distances[0] == pytest.approx(0.0, abs=1e-12)


def test_a_wrong_order_of_images_is_a_large_distance() -> None:
    x = gaussian(400, 4)
    assert distance_from_initialisation(x.flip(0), x) > 0.9


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_computed_in_float64(dtype: torch.dtype) -> None:
    x, y = (300 * gaussian(30, 6)).to(dtype), (300 * gaussian(30, 6, seed=1)).to(dtype)
    expected = distance_from_initialisation(x.double(), y.double())
    assert distance_from_initialisation(x, y) == expected


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_no_scale_overflows(scale: float) -> None:
    x, y = gaussian(30, 6), gaussian(30, 6, seed=1)
    expected = distance_from_initialisation(x, y)
    assert distance_from_initialisation(x * scale, y / scale) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "initial_shape"),
    [((4, 3), (5, 3)), ((4,), (4, 3)), ((4, 3), (4,)), ((4, 2, 3), (4, 2, 3))],
)
def test_wrong_shapes(shape: tuple[int, ...], initial_shape: tuple[int, ...]) -> None:
    with pytest.raises(EmbeddingError, match=r"embed the same images|wanted 2-D"):
        distance_from_initialisation(torch.ones(shape), torch.ones(initial_shape))


@pytest.mark.parametrize(
    ("shape", "initial_shape"), [((0, 3), (0, 3)), ((4, 0), (4, 3)), ((4, 3), (4, 0))]
)
def test_nothing_at_all(shape: tuple[int, ...], initial_shape: tuple[int, ...]) -> None:
    with pytest.raises(EmbeddingError, match="every size at least 1"):
        distance_from_initialisation(torch.ones(shape), torch.ones(initial_shape))


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_point_has_no_geometry(value: float, dtype: torch.dtype) -> None:
    """0.1 does not average to exactly 0.1: round-off must not be taken for a geometry."""
    point, cloud = torch.full((37, 4), value, dtype=dtype), gaussian(37, 4)
    with pytest.raises(EmbeddingError, match="embeddings: every sample is the same"):
        distance_from_initialisation(point, cloud)
    with pytest.raises(EmbeddingError, match="initial: every sample is the same"):
        distance_from_initialisation(cloud, point)


def test_one_sample_has_no_geometry() -> None:
    with pytest.raises(EmbeddingError, match="every sample is the same"):
        distance_from_initialisation(gaussian(1, 4), gaussian(1, 4))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite(value: float) -> None:
    cloud, bad = gaussian(5, 4), gaussian(5, 4)
    bad[2, 1] = value
    with pytest.raises(EmbeddingError, match=r"embeddings: got .* NaN or infinite"):
        distance_from_initialisation(bad, cloud)
    with pytest.raises(EmbeddingError, match=r"initial: got .* NaN or infinite"):
        distance_from_initialisation(cloud, bad)


def test_the_inputs_are_not_changed() -> None:
    x, y = gaussian(9, 4).requires_grad_(), gaussian(9, 4, seed=1)
    before = x.detach().clone(), y.clone()
    assert isinstance(distance_from_initialisation(x, y), float)
    assert torch.equal(x.detach(), before[0])
    assert torch.equal(y, before[1])
