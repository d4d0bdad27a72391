"""Alignment against Wang & Isola, ICML 2020 (arXiv 2005.10242), section 4.1."""

import importlib
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from objectives.alignment import alignment
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.unit_vectors import check_directions, unit_vectors
from tests.objectives.builders import QUICK, gaussian, generator, numpy64, rotation, signal_views

module = importlib.import_module("objectives.alignment")


def reference_alignment(views: NDArray[np.float64], power: float = 2.0) -> float:
    """Wang & Isola 2020, section 4.1, by cosines of each pair: ‖u − v‖² = 2 − 2 cos."""
    distances = []
    for image in views:
        for u, v in itertools.combinations(image, 2):
            cosine = np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v))
            distances.append(math.sqrt(max(0.0, 2.0 - 2.0 * cosine)) ** power)
    return math.fsum(distances) / len(distances)


def at_angle(degrees: float, n_images: int = 6) -> Tensor:
    """Two views at this angle, in another plane and of another length for each image."""
    angle = math.radians(degrees)
    first, second = gaussian(2, n_images, 5)
    first = first / first.norm(dim=1, keepdim=True)
    second = second - (second * first).sum(dim=1, keepdim=True) * first
    second = second / second.norm(dim=1, keepdim=True)
    turned = math.cos(angle) * first + math.sin(angle) * second
    lengths = torch.logspace(-3, 3, n_images, dtype=torch.float64)[:, None]
    return torch.stack([first * lengths, turned / lengths], dim=1)


@pytest.mark.parametrize("shape", [(40, 2, 6), (6, 8, 20), (20, 3, 1), (2, 2, 2)])
@pytest.mark.parametrize("power", [2.0, 1.0, 0.5, 3.0])
def test_matches_the_reference(shape: tuple[int, int, int], power: float) -> None:
    views = signal_views(*shape, n_signal=shape[2], ratio=3.0) * 4.0 + 0.3
    expected = reference_alignment(numpy64(views), power)
    assert alignment(views, power=power) == pytest.approx(expected, rel=1e-7)


def test_the_power_two_shortcut_is_the_mean_over_pairs() -> None:
    views = signal_views(30, 7, 5, n_signal=3, ratio=3.0)
    nearly_two = math.nextafter(2.0, 3.0)
    assert alignment(views) == pytest.approx(alignment(views, power=nearly_two), rel=1e-12)


@pytest.mark.parametrize("numbers_at_once", [1, 30, 7 * 30, 1 << 22])
@pytest.mark.parametrize("power", [2.0, 1.0])
def test_chunks_do_not_change_it(
    monkeypatch: pytest.MonkeyPatch, numbers_at_once: int, power: float
) -> None:
    views = signal_views(41, 5, 6, n_signal=3, ratio=3.0)
    monkeypatch.setattr(module, "NUMBERS_AT_ONCE", numbers_at_once)
    expected = reference_alignment(numpy64(views), power)
    assert alignment(views, power=power) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("degrees", [0.001, 30.0, 60.0, 90.0, 120.0, 180.0])
@pytest.mark.parametrize("power", [2.0, 1.0, 3.5])
def test_views_at_one_angle(degrees: float, power: float) -> None:
    """The chord of an angle θ is 2 sin(θ/2)."""
    expected = (2.0 * math.sin(math.radians(degrees) / 2.0)) ** power
    assert alignment(at_angle(degrees), power=power) == pytest.approx(expected, rel=1e-9)


def test_orthogonal_views_are_two_apart() -> None:
    views = torch.eye(6, dtype=torch.float64).reshape(2, 3, 6)
    assert alignment(views) == pytest.approx(2.0, rel=1e-12)
    assert alignment(views, power=1.0) == pytest.approx(2.0**0.5, rel=1e-12)


def test_views_of_three_corners() -> None:
    """An equilateral triangle has sides √3: three pairs, not the nine of all ordered ones."""
    angles = torch.arange(3, dtype=torch.float64) * (2 * math.pi / 3)
    views = torch.stack([angles.cos(), angles.sin()], dim=1).expand(4, 3, 2)
    assert alignment(views) == pytest.approx(3.0, rel=1e-12)


@pytest.mark.parametrize("power", [2.0, 1.0])
def test_a_constant_network_has_the_best_value(power: float) -> None:
    assert alignment(gaussian(7).expand(20, 5, 7), power=power) == pytest.approx(0.0, abs=1e-12)
    assert alignment(gaussian(20, 1, 7).expand(20, 2, 7), power=power) == 0.0


def test_small_angles_survive() -> None:
    """2 − 2 cos would lose an angle of 1e-9 altogether; differences keep it."""
    first = torch.tensor([1.0, 0.0], dtype=torch.float64)
    second = torch.tensor([1.0, 1e-9], dtype=torch.float64)
    views = torch.stack([first, second]).expand(3, 2, 2)
    assert alignment(views) == pytest.approx(1e-18, rel=1e-6)
    assert alignment(views, power=1.0) == pytest.approx(1e-9, rel=1e-6)


def test_unrelated_views_read_two() -> None:
    assert alignment(gaussian(500, 4, 32)) == pytest.approx(2.0, rel=0.01)


@QUICK
@given(
    seed=st.integers(0, 999),
    power=st.sampled_from([2.0, 1.0, 4.0]),
    scale=st.sampled_from([-2.0, 1e-200, 1e-6, 1e6, 1e200]),
)
def test_invariances(seed: int, power: float, scale: float) -> None:
    views = signal_views(15, 4, 6, n_signal=2, ratio=3.0, seed=seed)
    expected = alignment(views, power=power)
    images = torch.randperm(15, generator=generator(seed))
    inside = torch.stack([group[torch.randperm(4, generator=generator(seed))] for group in views])
    lengths = gaussian(15, 4, 1, seed=seed).exp()
    turned = views @ rotation(6, seed=seed)
    for changed in (views * scale, views * lengths, turned, views[images], inside):
        assert alignment(changed, power=power) == pytest.approx(expected, rel=1e-9)
    assert 0.0 <= expected <= 2.0**power


def test_a_shift_matters() -> None:
    views = signal_views(15, 4, 6, n_signal=2, ratio=3.0)
    assert alignment(views + 10.0) < 0.1 * alignment(views)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_dtype_is_measured_in_float64(dtype: torch.dtype) -> None:
    views = signal_views(30, 3, 6, n_signal=4, ratio=3.0).to(dtype)
    before = views.clone()
    assert alignment(views) == pytest.approx(reference_alignment(numpy64(views)), rel=1e-12)
    assert torch.equal(views, before)


def test_strided_numpy_and_graph_inputs() -> None:
    views = signal_views(30, 3, 6, n_signal=4, ratio=3.0)
    expected = alignment(views)
    strided = torch.stack([views, gaussian(30, 3, 6)], dim=-1)[..., 0]
    assert not strided.is_contiguous()
    for values in (strided, views.clone().requires_grad_(), numpy64(views)):
        assert alignment(values) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("power", [0.0, -1.0, float("nan"), float("inf")])
def test_powers_out_of_range_raise(power: float) -> None:
    with pytest.raises(InvalidArgumentError, match=r"power: got .* above 0; the paper uses 2"):
        alignment(gaussian(5, 2, 3), power=power)


def test_zero_embeddings_raise() -> None:
    views = gaussian(5, 2, 3)
    views[1, 0] = views[4, 1] = 0.0
    views[2, 0, :2] = 0.0
    with pytest.raises(EmbeddingError, match=r"views: got 2 of 10 embeddings that are all zero"):
        alignment(views)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda views: views.flatten(end_dim=1), r"wanted \(n_images, n_views, dim\)"),
        (lambda views: views[:, :1], r"got 5 image\(s\) with 1 view\(s\)"),
        (lambda views: views * float("nan"), "NaN or infinite"),
        (lambda views: views.long(), "got dtype torch.int64"),
    ],
)
def test_errors(change: Callable[[Tensor], Tensor], message: str) -> None:
    with pytest.raises(EmbeddingError, match=message):
        alignment(change(gaussian(5, 2, 3)))


@pytest.mark.parametrize("scale", [5e-324, 1e-200, 1.0, 1e308])
def test_unit_vectors_at_any_magnitude(scale: float) -> None:
    values = torch.tensor([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]], dtype=torch.float64) * scale
    half = 0.5**0.5
    expected = torch.tensor([[half, 0.0, -half], [0.0, 1.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(unit_vectors(values), expected, rtol=1e-15, atol=0.0)


def test_check_directions_names_the_argument_and_passes_tiny_values() -> None:
    check_directions(torch.full((3, 2), 1e-45), name="rows")
    with pytest.raises(EmbeddingError, match=r"rows: got 3 of 3 .* collapsed"):
        check_directions(torch.zeros(3, 2), name="rows")
