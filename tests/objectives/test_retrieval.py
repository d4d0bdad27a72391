"""View retrieval, the definition of metrics.md 8, and what it does where that says nothing."""

import importlib
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from objectives.errors import EmbeddingError
from objectives.retrieval import view_retrieval
from tests.objectives.builders import (
    QUICK,
    axis_pairs,
    gaussian,
    generator,
    near_collapse,
    numpy64,
    rotation,
    signal_views,
)

module = importlib.import_module("objectives.retrieval")


def reference_retrieval(views: NDArray[np.float64]) -> float:
    """metrics.md 8 by loops, without ties; each view asks the next, the last the first."""
    n, q, _ = views.shape
    centred = views - views.sum(axis=0, keepdims=True) / n
    hits = 0
    for a in range(q):
        for i in range(n):
            best, answer = -np.inf, -1
            for j in range(n):
                u, v = centred[i, a], centred[j, (a + 1) % q]
                cosine = np.dot(u, v) / np.sqrt(np.dot(u, u) * np.dot(v, v))
                if cosine > best:
                    best, answer = cosine, j
            hits += answer == i
    return hits / (n * q)


def same(view: Tensor, n_views: int = 2) -> Tensor:
    return view[:, None].expand(-1, n_views, -1)


def line(places: list[float], dim: int = 7) -> Tensor:
    """Images at these places along one direction, in a basis where no coordinate is round."""
    return torch.tensor(places, dtype=torch.float64)[:, None] * gaussian(1, dim, seed=8)


@pytest.mark.parametrize("shape", [(40, 2, 6), (9, 5, 30), (30, 3, 2), (25, 4, 8)])
@pytest.mark.parametrize("ratio", [0.0, 1.0, 8.0])
def test_matches_the_reference(shape: tuple[int, int, int], ratio: float) -> None:
    views = signal_views(*shape, n_signal=shape[2], ratio=ratio) + gaussian(1, shape[1], shape[2])
    assert view_retrieval(views) == pytest.approx(reference_retrieval(numpy64(views)), abs=1e-12)


def test_matches_the_reference_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    views = signal_views(41, 3, 5, n_signal=5, ratio=2.0)
    expected = reference_retrieval(numpy64(views))
    assert 0.1 < expected < 0.9
    for cosines_at_once in (1, 41, 41 * 7, 41 * 40, 41 * 41):
        monkeypatch.setattr(module, "COSINES_AT_ONCE", cosines_at_once)
        assert view_retrieval(views) == pytest.approx(expected, abs=1e-12)


def test_equal_views_of_distinct_images_are_all_found() -> None:
    assert view_retrieval(same(gaussian(50, 4), 3)) == 1.0


def test_views_under_the_wrong_images_are_never_found() -> None:
    view = gaussian(50, 40)
    assert view_retrieval(torch.stack([view, view.roll(1, dims=0)], dim=1)) == 0.0


def test_three_views_ask_in_a_cycle() -> None:
    """View 2 is shuffled: 0 → 1 finds all, 1 → 2 and 2 → 0 none; reversed, the same by symmetry."""
    view = gaussian(50, 40)
    shuffled = view.roll(1, dims=0)
    assert view_retrieval(torch.stack([view, view, shuffled], dim=1)) == pytest.approx(1 / 3)
    assert view_retrieval(torch.stack([view, shuffled, view], dim=1)) == pytest.approx(1 / 3)
    four = torch.stack([view, view, shuffled, shuffled], dim=1)
    assert view_retrieval(four) == pytest.approx(1 / 2)


def test_the_two_directions_differ_and_both_count() -> None:
    """At 0, 90, 180, 270 against 0, 30, 180, 270 degrees: 90 finds 30, but 30 finds 0."""
    first = axis_pairs([1.0, 1.0])
    root = 3.0**0.5
    second = [[1.0, 0.0], [root, 1.0], [-1.0 - root, 0.0], [0.0, -1.0]]
    views = torch.stack([first, torch.tensor(second, dtype=torch.float64)], dim=1)
    assert view_retrieval(views) == pytest.approx((1 + 3 / 4) / 2)
    assert view_retrieval(views.flip(1)) == pytest.approx((1 + 3 / 4) / 2)


@pytest.mark.parametrize("per_cluster", [2, 5, 10])
def test_images_in_one_place_share_the_hit(per_cluster: int) -> None:
    centres = gaussian(6, 5).repeat(per_cluster, 1)
    assert view_retrieval(same(centres)) == pytest.approx(1 / per_cluster)


@pytest.mark.parametrize("scale", [1.0, 1e-7, 1e7])
def test_collapse_onto_a_line_leaves_two_answers(scale: float) -> None:
    """Cosines are all 1 or −1: of the k images on one side each scores 1/k, so 2/n in all."""
    views = same(line([-5.0, -1.3, -0.1, 0.2, 0.7, 1.1, 1.9, 3.3])) * scale
    assert view_retrieval(views) == pytest.approx(2 / 8)
    assert view_retrieval(views + 0.1) == pytest.approx(2 / 8)


def test_one_dimension_is_a_line() -> None:
    assert view_retrieval(same(gaussian(30, 1))) == pytest.approx(2 / 30)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7, 1e8])
@pytest.mark.parametrize("shape", [(30, 2, 5), (7, 5, 40), (2, 2, 1)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_constant_network_reads_chance(
    value: float, shape: tuple[int, int, int], dtype: torch.dtype
) -> None:
    """0.1 does not average to exactly 0.1; the round-off has a direction, and it is no answer."""
    constant = value * (1 + torch.rand(shape[2], generator=generator(0), dtype=torch.float64))
    views = constant.to(dtype).expand(shape)
    assert view_retrieval(views) == pytest.approx(1 / shape[0], abs=1e-15)


@pytest.mark.parametrize("n_ulps", [1, 3])
def test_round_off_that_repeats_in_both_views_is_not_retrieval(n_ulps: int) -> None:
    """Kernels give equal inputs equal round-off: each image then has its own, in all its views."""
    steps = torch.randint(-n_ulps, n_ulps + 1, (60, 16), generator=generator(3))
    view = 0.1 + 1.4e-17 * steps.double()
    assert len(view.unique(dim=0)) == 60
    assert view_retrieval(same(view)) == pytest.approx(1 / 60)


@pytest.mark.parametrize("t", [1.0, 1e-6, 2e-13])
def test_a_spread_above_round_off_counts_however_small(t: float) -> None:
    assert view_retrieval(same(near_collapse(t, 60, 16))) == 1.0


def test_one_collapsed_view_reads_chance() -> None:
    views = signal_views(20, 3, 4, n_signal=4, ratio=5.0)
    views[:, 1] = 0.3
    alone = view_retrieval(views[:, [2, 0]])
    found_from_two = reference_retrieval_between(views[:, 2], views[:, 0])
    assert alone > 0.2
    assert view_retrieval(views) == pytest.approx((2 / 20 + found_from_two) / 3)


def reference_retrieval_between(queries: Tensor, gallery: Tensor) -> float:
    first, second = (numpy64(v - v.mean(dim=0)) for v in (queries, gallery))
    distances = np.linalg.norm(
        first[:, None] / np.linalg.norm(first, axis=1)[:, None, None]
        - second[None] / np.linalg.norm(second, axis=1)[None, :, None],
        axis=2,
    )
    return float((distances.argmin(axis=1) == np.arange(len(first))).mean())


def test_an_image_at_the_mean_has_no_direction() -> None:
    """Four images on the axes are found, the two at their mean score a guess each."""
    view = torch.cat([axis_pairs([1.0, 2.0]), torch.zeros(2, 2, dtype=torch.float64)]) + 0.1
    assert view_retrieval(same(view)) == pytest.approx((4 + 2 / 6) / 6)


def test_an_image_at_the_mean_of_one_view_only() -> None:
    """Its cosine with any query is 0, and so it wins where all other cosines are below."""
    first = torch.tensor([[1.0, 0.0], [-1.0, 1.0], [0.0, -1.0]], dtype=torch.float64)
    second = torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    # 0 → 1: image 0 finds 2; image 1 is a guess; image 2 has cosine 0 with all: a tie of 3.
    # 1 → 0: image 0 finds 1; image 1 is a guess; image 2 finds 0.
    assert view_retrieval(torch.stack([first, second], dim=1)) == pytest.approx(
        (0 + 1 / 3 + 1 / 3 + 0 + 1 / 3 + 0) / 6
    )


def test_two_images_are_right_or_wrong_together() -> None:
    view = gaussian(2, 5)
    assert view_retrieval(torch.stack([view, 3.0 * view + 1.0], dim=1)) == 1.0
    assert view_retrieval(torch.stack([view, view.flip(0)], dim=1)) == 0.0


@pytest.mark.parametrize("t", [0.1, 1e-3, 1e-6])
def test_near_collapse_reads_chance(t: float) -> None:
    """Where RankMe and LiDAR read near their maximum (metrics.md 5.6): noise is not retrieved."""
    assert view_retrieval(near_collapse(t, 400, 2, 64)) == pytest.approx(1 / 400, abs=0.006)


def test_pure_noise_reads_chance() -> None:
    values = [view_retrieval(gaussian(20, 4, 8, seed=seed)) for seed in range(50)]
    assert np.mean(values) == pytest.approx(1 / 20, abs=0.01)


def test_it_rises_with_the_signal_and_falls_with_the_images() -> None:
    ratios = [view_retrieval(signal_views(200, 2, 16, n_signal=8, ratio=r)) for r in (0, 1, 4, 16)]
    assert ratios == sorted(ratios)
    assert ratios[0] < 0.03
    assert ratios[3] > 0.8
    views = signal_views(400, 2, 16, n_signal=8, ratio=2.0)
    assert view_retrieval(views) < view_retrieval(views[:50]) - 0.1


@QUICK
@given(
    seed=st.integers(0, 999),
    n_views=st.integers(2, 4),
    scale=st.sampled_from([-2.0, 1e-6, 0.5, 1e6]),
    shift=st.floats(-10.0, 10.0),
)
def test_invariances(seed: int, n_views: int, scale: float, shift: float) -> None:
    views = signal_views(30, n_views, 6, n_signal=4, ratio=3.0, seed=seed)
    expected = view_retrieval(views)
    images = torch.randperm(30, generator=generator(seed))
    per_view = shift * gaussian(1, n_views, 6, seed=seed)
    turned = views @ rotation(6, seed=seed)
    for changed in (views * scale, views + per_view, turned, views[images], views.roll(1, dims=1)):
        assert view_retrieval(changed) == pytest.approx(expected, abs=1e-12)


@QUICK
@given(n=st.integers(2, 25), q=st.integers(2, 4), dim=st.integers(1, 9), seed=st.integers(0, 99))
def test_bounds_with_and_without_ties(n: int, q: int, dim: int, seed: int) -> None:
    views = gaussian(n, q, dim, seed=seed)
    for values in (views, views.round(), views.sign()):
        assert 0.0 <= view_retrieval(values) <= 1.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_dtype_is_measured_in_float64(dtype: torch.dtype) -> None:
    views = signal_views(30, 2, 6, n_signal=4, ratio=3.0).to(dtype)
    before = views.clone()
    expected = reference_retrieval(numpy64(views))
    assert view_retrieval(views) == pytest.approx(expected, abs=1e-12)
    assert torch.equal(views, before)


def test_float32_near_duplicates_are_told_apart() -> None:
    """They differ by an angle of 1e-4: a cosine of 1 − 5e-9, which float32 arithmetic calls 1."""
    originals = gaussian(30, 16)
    view = torch.cat([originals, originals + 1e-4 * gaussian(30, 16, seed=1)]).float()
    assert view_retrieval(same(view)) == 1.0


def test_strided_numpy_and_graph_inputs() -> None:
    views = signal_views(30, 2, 6, n_signal=4, ratio=3.0)
    expected = view_retrieval(views)
    strided = torch.stack([views, gaussian(30, 2, 6)], dim=-1)[..., 0]
    assert not strided.is_contiguous()
    for values in (strided, views.clone().requires_grad_(), numpy64(views)):
        assert view_retrieval(values) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda views: views.flatten(end_dim=1), r"wanted \(n_images, n_views, dim\)"),
        (lambda views: views[:1], r"got 1 image\(s\) with 2 view\(s\)"),
        (lambda views: views * float("nan"), "NaN or infinite"),
        (lambda views: views * 1e200, "overflow float64"),
        (lambda views: views + 1e160, "overflow float64"),
        (lambda views: same(axis_pairs([1e200, 2e200])), "overflow float64"),
        (lambda views: views.long(), "got dtype torch.int64"),
    ],
)
def test_errors(change: Callable[[Tensor], Tensor], message: str) -> None:
    with pytest.raises(EmbeddingError, match=message):
        view_retrieval(change(gaussian(5, 2, 3)))
