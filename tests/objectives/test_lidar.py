"""LiDAR against Thilak et al., ICLR 2024 (arXiv 2312.04000); values from metrics.md 5 and 6."""

import math
import sys
from collections.abc import Callable
from itertools import product
from unittest import mock

import mpmath
import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectives import (
    EmbeddingError,
    InvalidArgumentError,
    ViewMoments,
    effective_rank,
    lidar,
    lidar_eigenvalues,
    lidar_noise_corrected,
    rankme,
)
from objectives.scatter import ROWS_AT_ONCE
from tests.objectives.builders import (
    QUICK,
    axis_pairs,
    design_e,
    gaussian,
    generator,
    near_collapse,
    numpy64,
    rotation,
    signal_views,
)

MODULE = sys.modules["objectives.lidar"]  # the name `objectives.lidar` is the function


def reference_lidar(
    views: NDArray[np.float64], delta: float, epsilon: float, *, biased: bool = False
) -> float:
    """Thilak et al. 2024, equations 1 to 4, by loops and scipy's generalised eigensolver."""
    n, q, dim = views.shape
    class_means = [group.mean(axis=0) for group in views]
    mean = np.mean(class_means, axis=0)
    between = sum(np.outer(m - mean, m - mean) for m in class_means)
    within = sum(np.outer(e - m, e - m) for g, m in zip(views, class_means, strict=True) for e in g)
    between = between / (n if biased else n - 1)
    within = within / (n * q if biased else n * (q - 1)) + delta * np.eye(dim)
    eigenvalues = np.clip(scipy.linalg.eigh(between, within, eigvals_only=True), 0.0, None)
    p = eigenvalues / eigenvalues.sum() + epsilon
    p = p[p > 0]
    return float(np.exp(-(p * np.log(p)).sum()))


def whitening_by(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Force one of the two ways to whiten, whatever δ is."""
    margins = {"cholesky": 0.0, "eigh": math.inf, "chosen": 1e4}
    monkeypatch.setattr(MODULE, "SAFE_MARGIN", margins[path])


@pytest.mark.parametrize("shape", [(40, 4, 6), (6, 8, 20), (20, 3, 20), (5, 2, 1)])
@pytest.mark.parametrize(("delta", "epsilon"), [(1e-4, 1e-7), (0.5, 0.0), (1e-6, 1e-5)])
def test_matches_the_reference(shape: tuple[int, int, int], delta: float, epsilon: float) -> None:
    views = signal_views(*shape, n_signal=3, ratio=2.0) * torch.linspace(0.5, 2.0, shape[2]) + 5.0
    expected = reference_lidar(numpy64(views), delta, epsilon)
    assert lidar(views, delta=delta, epsilon=epsilon) == pytest.approx(expected, rel=1e-8)


def test_matches_the_reference_at_delta_zero() -> None:
    views = signal_views(30, 5, 8, n_signal=3, ratio=2.0)
    expected = reference_lidar(numpy64(views), 0.0, 0.0)
    assert lidar(views, delta=0.0, epsilon=0.0) == pytest.approx(expected, rel=1e-9)
    # The denominators cancel at delta = 0, so the paper's "unbiased" cannot be told apart there.
    biased = reference_lidar(numpy64(views), 0.0, 0.0, biased=True)
    assert biased == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("delta", [0.0, 1e-4, 0.5, 10.0])
def test_design_e_flat(delta: float) -> None:
    views = design_e([1.0] * 4, [1.0] * 4)
    assert lidar(views, delta=delta, epsilon=0.0) == pytest.approx(4.0, rel=1e-12)


@pytest.mark.parametrize(
    ("between", "within", "delta", "expected"),
    [
        ([3.0, 1.0], [1.0, 1.0], 1e-4, 1.38414549),
        ([3.0, 1.0], [3.0, 1.0], 0.0, 2.0),
        ([3.0, 1.0], [3.0, 1.0], 0.5, 1.94488775),
    ],
)
def test_design_e(between: list[float], within: list[float], delta: float, expected: float) -> None:
    views = design_e(between, within)
    assert lidar(views, delta=delta, epsilon=0.0) == pytest.approx(expected, abs=5e-9)


def test_design_e_eigenvalues_in_closed_form() -> None:
    between, within, delta = [3.0, 2.0, 1.0], [1.0, 0.5, 2.0], 0.3
    n = q = 6
    pairs = zip(between, within, strict=True)
    expected = [(2 * a * a / (n - 1)) / (2 * b * b / (q - 1) + delta) for a, b in pairs]
    found = lidar_eigenvalues(design_e(between, within), delta=delta)
    assert found.tolist() == pytest.approx(sorted(expected, reverse=True), rel=1e-12)


@QUICK
@given(seed=st.integers(0, 999), log_condition=st.floats(0.0, 2.0))
def test_any_invertible_map_at_delta_zero(seed: int, log_condition: float) -> None:
    views = signal_views(25, 4, 6, n_signal=2, ratio=3.0, seed=seed)
    stretch = torch.logspace(0.0, log_condition, 6, dtype=torch.float64)
    mapping = rotation(6, seed=seed) @ torch.diag(stretch) @ rotation(6, seed=seed + 1)
    expected = lidar(views, delta=0.0, epsilon=0.0)
    assert lidar(views @ mapping, delta=0.0, epsilon=0.0) == pytest.approx(expected, rel=1e-8)


@QUICK
@given(
    seed=st.integers(0, 999),
    delta=st.sampled_from([0.0, 1e-4, 1.0]),
    scale=st.sampled_from([-2.0, 1e-3, 1e3]),
    shift=st.floats(-100.0, 100.0),
)
def test_invariances(seed: int, delta: float, scale: float, shift: float) -> None:
    views = signal_views(25, 4, 6, n_signal=2, ratio=3.0, seed=seed)
    expected = lidar(views, delta=delta)
    images = torch.randperm(25, generator=generator(seed))
    inside = torch.stack([group[torch.randperm(4, generator=generator(seed))] for group in views])
    for changed in (views + shift, views @ rotation(6, seed=seed), views[images], inside):
        assert lidar(changed, delta=delta) == pytest.approx(expected, rel=1e-8)
    assert lidar(views * scale, delta=delta * scale**2) == pytest.approx(expected, rel=1e-8)


@QUICK
@given(seed=st.integers(0, 99), repeats=st.integers(2, 3))
def test_duplicated_images_and_zero_columns(seed: int, repeats: int) -> None:
    views = signal_views(25, 4, 6, n_signal=2, ratio=3.0, seed=seed)
    expected = lidar(views, delta=0.0, epsilon=0.0)
    repeated = lidar(views.repeat(repeats, 1, 1), delta=0.0, epsilon=0.0)
    assert repeated == pytest.approx(expected, rel=1e-9)
    padded = torch.cat([views, torch.zeros(25, 4, 3, dtype=torch.float64)], dim=2)
    with_delta = lidar(views, delta=1e-4, epsilon=0.0)
    assert lidar(padded, delta=1e-4, epsilon=0.0) == pytest.approx(with_delta, rel=1e-9)


def test_a_fixed_delta_is_not_scale_free() -> None:
    """metrics.md 5.5."""
    views = signal_views(60, 4, 8, n_signal=3, ratio=4.0) * torch.linspace(0.1, 1.0, 8)
    assert lidar(views * 1e-3) != pytest.approx(lidar(views), rel=0.01)


@pytest.mark.parametrize("delta", [1e-8, 1e-4, 10.0])
def test_identical_views_do_not_depend_on_delta(delta: float) -> None:
    views = axis_pairs([3.0, 2.0, 1.0])[:, None].expand(-1, 5, -1)
    assert lidar(views, delta=delta, epsilon=0.0) == pytest.approx(2.29440078, abs=5e-9)


def test_five_images_have_four_directions() -> None:
    views = signal_views(5, 30, 20, n_signal=20, ratio=2.0)
    eigenvalues = lidar_eigenvalues(views)
    assert eigenvalues.shape == (20,)
    assert int((eigenvalues > 0).sum()) == 4
    assert lidar(views, epsilon=0.0) <= 4.0


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("delta", [0.0, 1e-4])
def test_directions_without_a_signal_are_exactly_zero(turned: bool, delta: float) -> None:
    """And not round-off, which at ε > 0 and for a count is not the same."""
    views = design_e([3.0, 2.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 0.5, 1.0])
    eigenvalues = lidar_eigenvalues(views @ rotation(5) if turned else views, delta=delta)
    assert int((eigenvalues > 0).sum()) == 2


@QUICK
@given(n=st.integers(2, 30), dim=st.integers(1, 30), seed=st.integers(0, 99))
def test_bounds(n: int, dim: int, seed: int) -> None:
    value = lidar(gaussian(n, 3, dim, seed=seed), epsilon=0.0)
    assert 1.0 - 1e-9 <= value <= min(dim, n - 1) * (1 + 1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7])
@pytest.mark.parametrize("shape", [(30, 7, 5), (4, 7, 20)])
def test_equal_embeddings_have_no_value(value: float, shape: tuple[int, int, int]) -> None:
    """0.1 does not average to exactly 0.1: without a floor its round-off reads as a spectrum."""
    views = value * (1 + torch.rand(shape[2], generator=generator(0), dtype=torch.float64))
    assert math.isnan(lidar(views.expand(shape)))
    assert not lidar_eigenvalues(views.expand(shape)).any()


def test_images_with_one_mean_have_no_value() -> None:
    """No variance between images although the views differ: λ = 0 as well."""
    noise = gaussian(6, 5)
    assert math.isnan(lidar((noise - noise.mean(dim=0)).expand(10, 6, 5)))


def test_a_wrong_grouping_looks_better() -> None:
    """metrics.md 5.2: right 15.409, shuffled 59.441, augmentation-major as sample-major 59.181."""
    views = signal_views(500, 10, 64, n_signal=8, ratio=4.0)
    flat = views.flatten(end_dim=1)
    shuffled = flat[torch.randperm(5000, generator=generator(0))].reshape(500, 10, 64)
    misread = views.transpose(0, 1).reshape(500, 10, 64)
    assert lidar(views) == pytest.approx(15.409, rel=0.03)
    assert lidar(shuffled) == pytest.approx(59.441, rel=0.02)
    assert lidar(misread) == pytest.approx(59.181, rel=0.02)


@pytest.mark.parametrize(
    ("n_views", "floor"),
    [(2, 37.2), (5, 22.8), (10, 16.1), (50, 9.9)],
)
def test_the_noise_floor_is_one_over_the_views(n_views: int, floor: float) -> None:
    """metrics.md 5.3: 8 signal dimensions of variance ratio 4 in 64."""
    ratios = torch.tensor([4.0] * 8 + [0.0] * 56, dtype=torch.float64)
    assert effective_rank(ratios + 1 / n_views) == pytest.approx(floor, abs=0.05)
    n_images = 400 if n_views == 50 else 2000
    views = signal_views(n_images, n_views, 64, n_signal=8, ratio=4.0)
    eigenvalues = lidar_eigenvalues(views)
    assert lidar(views) == pytest.approx(floor, rel=0.03)
    assert eigenvalues[8:].mean().item() == pytest.approx(1 / n_views, rel=0.05)


def test_pure_noise_reads_near_the_maximum() -> None:
    assert lidar(gaussian(500, 10, 64)) == pytest.approx(59.5, rel=0.01)


@pytest.mark.parametrize("t", [0.1, 1e-3, 1e-6])
@pytest.mark.parametrize("delta", [1e-4, 1e-6])
def test_near_collapse_is_not_seen_at_any_delta(t: float, delta: float) -> None:
    """metrics.md 5.6: 59.5 to 59.9."""
    views = near_collapse(t, 500, 10, 64)
    assert lidar(views, delta=delta) == pytest.approx(59.8, rel=0.01)


def test_it_breaks_down_when_the_within_covariance_is_nearly_singular() -> None:
    """metrics.md 5.4: D = n = 128, q = 2 reads 3.1, 11.2, 42.6 by δ alone."""
    views = signal_views(128, 2, 128, n_signal=128, ratio=1.0)
    values = [lidar(views, delta=delta) for delta in (1e-6, 1e-4, 1e-2)]
    assert values == sorted(values)
    assert values[0] < 0.2 * values[2]


def test_more_images_than_one_chunk() -> None:
    views = signal_views(ROWS_AT_ONCE + 7, 2, 3, n_signal=1, ratio=4.0)
    expected = reference_lidar(numpy64(views), 1e-4, 1e-7)
    assert lidar(views) == pytest.approx(expected, rel=1e-9)


def test_dead_dimensions_need_delta() -> None:
    views = signal_views(30, 4, 6, n_signal=2, ratio=3.0)
    views[..., 4:] = 0.7
    with pytest.raises(EmbeddingError, match=r"2 of 6 directions without variance .* delta > 0"):
        lidar(views, delta=0.0)
    assert math.isfinite(lidar(views, delta=1e-12))


def test_too_few_views_for_delta_zero() -> None:
    with pytest.raises(EmbeddingError, match=r"14 of 20 directions .* at delta=0"):
        lidar(gaussian(3, 3, 20), delta=0.0)


def test_identical_views_at_delta_zero_are_singular_and_not_round_off() -> None:
    views = (gaussian(9, 1, 4) * 0.1).expand(9, 7, 4)
    with pytest.raises(EmbeddingError, match="4 of 4 directions without variance"):
        lidar(views, delta=0.0)


@pytest.mark.parametrize("value", [-1e-4, float("nan"), float("inf")])
def test_constants_out_of_range_raise(value: float) -> None:
    views = gaussian(5, 3, 2)
    with pytest.raises(InvalidArgumentError, match="delta: got"):
        lidar(views, delta=value)
    with pytest.raises(InvalidArgumentError, match="epsilon: got"):
        lidar(views, epsilon=value)


def test_flat_views_raise() -> None:
    with pytest.raises(EmbeddingError, match=r"wanted \(n_images, n_views, dim\)"):
        lidar(gaussian(20, 4))


def test_overflow_raises() -> None:
    with pytest.raises(EmbeddingError, match="overflow float64"):
        lidar(gaussian(5, 3, 2) * 1e200)


# Both ways to whiten


def exact_eigenvalues(views: torch.Tensor, delta: float) -> list[float]:
    """Equations 1 to 4 with 50 digits (Johansson et al., mpmath), by a Cholesky factor."""
    with mpmath.workdps(50):
        groups = [[mpmath.matrix(view) for view in group] for group in views.tolist()]
        means = [sum(group[1:], group[0]) / len(group) for group in groups]
        mean = sum(means[1:], means[0]) / len(means)
        n, q, dim = views.shape
        between = sum(((m - mean) * (m - mean).T for m in means), mpmath.zeros(dim)) / (n - 1)
        pairs = [(e - m) for group, m in zip(groups, means, strict=True) for e in group]
        within = sum((e * e.T for e in pairs), mpmath.zeros(dim)) / (n * (q - 1))
        half = mpmath.inverse(mpmath.cholesky(within + mpmath.mpf(delta) * mpmath.eye(dim)))
        found = mpmath.eigsy(half * between * half.T, eigvals_only=True)
        return sorted((float(value) for value in found), reverse=True)


@pytest.mark.parametrize("path", ["cholesky", "eigh", "chosen"])
@pytest.mark.parametrize("delta", [0.0, 1e-12, 1e-10, 1e-4])
@pytest.mark.parametrize(
    ("condition", "turned", "relative"),
    [(1e8, False, 1e-12), (1e8, True, 1e-7), (1e4, True, 1e-11)],
)
def test_steep_spectra_within_images_to_fifty_digits(
    path: str,
    delta: float,
    condition: float,
    turned: bool,
    relative: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Turned, the data themselves hold the small variances to condition · eps only."""
    steep = torch.logspace(0.0, -math.log10(condition) / 2, 4, dtype=torch.float64)
    views = signal_views(9, 3, 4, n_signal=4, ratio=2.0) * steep
    views = views @ rotation(4) if turned else views
    whitening_by(monkeypatch, path)
    found = lidar_eigenvalues(views, delta=delta).tolist()
    assert found == pytest.approx(exact_eigenvalues(views, delta), rel=relative)


@QUICK
@given(
    n=st.integers(2, 30),
    q=st.integers(2, 5),
    dim=st.integers(1, 20),
    delta=st.sampled_from([1e-6, 1e-4, 1.0]),
    seed=st.integers(0, 99),
)
def test_both_ways_to_whiten_agree(n: int, q: int, dim: int, delta: float, seed: int) -> None:
    views = signal_views(n, q, dim, n_signal=3, ratio=2.0, seed=seed) + 1.0
    with pytest.MonkeyPatch.context() as monkeypatch:
        found = []
        for path in ("cholesky", "eigh"):
            whitening_by(monkeypatch, path)
            found.append(lidar_eigenvalues(views, delta=delta))
    largest = float(found[0][0])
    assert float((found[0] - found[1]).abs().max()) <= 1e-9 * largest
    assert effective_rank(found[0]) == pytest.approx(effective_rank(found[1]), rel=1e-9)


@pytest.mark.parametrize("dim", [4, 60])
def test_a_delta_near_the_round_off_is_whitened_without_a_factor(dim: int) -> None:
    """Where Σ_w is singular, a Cholesky factor would divide by its round-off."""
    views = signal_views(4, 2, dim, n_signal=dim, ratio=2.0) * 1e4
    for delta in (1e-290, 1e-13, 1e-9, 1e-5):
        value = lidar(views, delta=delta, epsilon=0.0)
        assert 1.0 - 1e-9 <= value <= 3.0 + 1e-9


def test_a_delta_beyond_division_is_refused() -> None:
    views = signal_views(4, 2, 60, n_signal=60, ratio=2.0) * 1e4
    with pytest.raises(InvalidArgumentError, match=r"delta: got 1e-307, .* overflows float64"):
        lidar(views, delta=1e-307)


def test_delta_decides_the_way() -> None:
    views = signal_views(50, 4, 6, n_signal=3, ratio=2.0)
    with mock.patch.object(
        MODULE, "generalised_eigenvalues", wraps=MODULE.generalised_eigenvalues
    ) as by_factor:
        lidar_eigenvalues(views, delta=1e-4)
        assert by_factor.call_count == 1
        lidar_eigenvalues(views, delta=1e-14)
        lidar_eigenvalues(views, delta=0.0)
        lidar_eigenvalues(1e6 * views, delta=1e-4)
        assert by_factor.call_count == 1


# The accumulator


@pytest.mark.parametrize("measure", [lidar, lidar_noise_corrected])
@pytest.mark.parametrize("delta", [1e-4, 0.0])
def test_moments_give_the_value_of_the_array_however_often(
    measure: Callable[..., float], delta: float
) -> None:
    views = signal_views(60, 4, 8, n_signal=3, ratio=4.0) + 2.0
    at_once, streamed = ViewMoments(), ViewMoments(n_views=4)
    at_once.update(views)
    order = torch.randperm(240, generator=generator(0))
    rows, ids = views.flatten(end_dim=1)[order], torch.arange(60).repeat_interleave(4)[order]
    for batch in torch.arange(240).split(37):
        streamed.update(rows[batch], image_ids=ids[batch])
    expected = measure(views, delta=delta)
    for _ in range(3):
        assert measure(at_once, delta=delta) == expected
        assert measure(streamed, delta=delta) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("q", [3, 7, 10])
def test_identical_views_of_centred_images_are_singular_too(q: int) -> None:
    """The mean of all is 0 here, so the round-off must be judged by the images' own lengths."""
    images = 0.1 * gaussian(9, 1, 4)
    views = torch.cat([images, -images]).expand(18, q, 4)
    with pytest.raises(EmbeddingError, match="4 of 4 directions without variance"):
        lidar(views, delta=0.0)


def test_images_whose_views_cancel_have_no_value() -> None:
    """Every image mean is 0 but for the round-off of a sum that depends on the views' order."""
    noise = 0.1 * gaussian(7, 5)
    pairs = torch.cat([noise, -noise])
    views = torch.stack([pairs[torch.randperm(14, generator=generator(s))] for s in range(12)])
    assert views.mean(dim=1).any()
    assert math.isnan(lidar(views))
    assert math.isnan(lidar(views, delta=0.0))


def test_rankme_sees_a_linear_map_that_lidar_does_not() -> None:
    views = signal_views(200, 4, 6, n_signal=6, ratio=3.0)
    mapped = views * torch.tensor([1.0, 1, 1, 10, 10, 100])
    assert lidar(mapped, delta=0.0) == pytest.approx(lidar(views, delta=0.0), rel=1e-9)
    assert rankme(mapped[:, 0]) < 0.7 * rankme(views[:, 0])


# A relative δ


@QUICK
@given(
    scale=st.sampled_from([-2.0, 1e-6, 1e-3, 1e3, 1e6]), delta=st.sampled_from([1e-6, 1e-2, 1.0])
)
def test_a_relative_delta_is_scale_free(scale: float, delta: float) -> None:
    views = signal_views(60, 4, 8, n_signal=3, ratio=4.0) * torch.linspace(0.1, 1.0, 8)
    for measure in (lidar, lidar_noise_corrected):
        expected = measure(views, delta=delta, relative_delta=True)
        found = measure(views * scale, delta=delta, relative_delta=True)
        assert found == pytest.approx(expected, rel=1e-9)


def test_a_relative_delta_is_a_share_of_the_mean_variance_within() -> None:
    views = signal_views(60, 4, 8, n_signal=3, ratio=4.0) * torch.linspace(0.1, 1.0, 8)
    array = numpy64(views)
    within = array - array.mean(axis=1, keepdims=True)
    share = (within**2).sum() / (60 * 3) / 8
    for delta in (1e-3, 0.5):
        expected = reference_lidar(array, delta * share, 1e-7)
        assert lidar(views, delta=delta, relative_delta=True) == pytest.approx(expected, rel=1e-9)
        assert lidar(views, delta=delta) != pytest.approx(expected, rel=1e-6)


def test_no_share_of_no_variance() -> None:
    views = axis_pairs([3.0, 2.0, 1.0])[:, None].expand(-1, 5, -1)
    with pytest.raises(EmbeddingError, match="not relative where no view differs"):
        lidar(views, relative_delta=True)


# The noise floor taken out


def reference_corrected(views: NDArray[np.float64], delta: float, epsilon: float) -> float:
    """As `reference_lidar`, with 1/q subtracted from each eigenvalue."""
    n, q, dim = views.shape
    means = views.mean(axis=1)
    within = (views - means[:, None]).reshape(-1, dim)
    within = within.T @ within / (n * (q - 1)) + delta * np.eye(dim)
    between = np.atleast_2d(np.cov(means, rowvar=False))
    left = np.maximum(scipy.linalg.eigh(between, within, eigvals_only=True) - 1 / q, 0.0)
    p = left / left.sum() + epsilon
    return float(np.exp(-sum(x * math.log(x) for x in p if x > 0)))


@pytest.mark.parametrize("shape", [(40, 4, 6), (6, 8, 20), (200, 3, 8)])
@pytest.mark.parametrize(("delta", "epsilon"), [(1e-4, 1e-7), (0.5, 0.0), (0.0, 1e-5)])
def test_the_correction_takes_one_over_the_views_from_each(
    shape: tuple[int, int, int], delta: float, epsilon: float
) -> None:
    views = signal_views(*shape, n_signal=3, ratio=2.0) + 5.0
    expected = reference_corrected(numpy64(views), delta, epsilon)
    found = lidar_noise_corrected(views, delta=delta, epsilon=epsilon)
    assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("n_images", "n_views", "expected"),
    [
        (500, 2, 14.5),
        (500, 5, 10.1),
        (500, 10, 9.06),
        (500, 50, 8.20),
        (1000, 2, 12.8),
        (1000, 5, 9.6),
        (1000, 10, 8.79),
        (20_000, 2, 9.35),
        (20_000, 5, 8.5),
    ],
)
def test_the_correction_at_8_signal_dimensions_of_64(
    n_images: int, n_views: int, expected: float
) -> None:
    """metrics.md 5.3: 9.3, 8.5, 8.3, 8.1 at 20,000 images; what is above 8 is noise above 1/q."""
    views = signal_views(n_images, n_views, 64, n_signal=8, ratio=4.0).float()
    corrected = lidar_noise_corrected(views)
    assert corrected == pytest.approx(expected, rel=0.03)
    assert 8.0 < corrected < lidar(views)


def test_pure_noise_has_half_of_its_directions_above_the_floor() -> None:
    corrected = lidar_noise_corrected(gaussian(500, 10, 64))
    assert 15.0 < corrected < 0.5 * lidar(gaussian(500, 10, 64))


def test_nothing_above_the_noise_has_no_value() -> None:
    assert math.isnan(lidar_noise_corrected(design_e([0.1] * 3, [1.0] * 3)))
    assert math.isnan(lidar_noise_corrected(torch.ones(9, 4, 3)))


def test_a_direction_exactly_at_the_noise_is_noise() -> None:
    """λ = 1/q but for round-off, which must not become a spectrum of its own."""
    at_noise = math.sqrt(5 / 30)  # (2a² / 5) / (2 / 5) = 1/6 at n = q = 6
    flat = design_e([at_noise] * 3, [1.0] * 3)
    assert lidar_eigenvalues(flat, delta=0.0).tolist() == pytest.approx([1 / 6] * 3, rel=1e-12)
    for turned, delta in product((flat, flat @ rotation(3)), (0.0, 1e-15)):
        assert math.isnan(lidar_noise_corrected(turned, delta=delta))
    one = design_e([3.0, at_noise, at_noise], [1.0] * 3)
    assert lidar_noise_corrected(one, delta=0.0, epsilon=0.0) == pytest.approx(1.0, abs=1e-12)


@QUICK
@given(n=st.integers(2, 30), q=st.integers(2, 5), dim=st.integers(1, 30), seed=st.integers(0, 99))
def test_bounds_of_the_correction(n: int, q: int, dim: int, seed: int) -> None:
    views = signal_views(n, q, dim, n_signal=2, ratio=3.0, seed=seed)
    value = lidar_noise_corrected(views, epsilon=0.0)
    assert math.isnan(value) or 1.0 - 1e-9 <= value <= min(dim, n - 1) * (1 + 1e-9)


@pytest.mark.parametrize("value", [-1e-4, float("nan"), float("inf")])
def test_the_corrections_constants_out_of_range_raise(value: float) -> None:
    views = gaussian(5, 3, 2)
    with pytest.raises(InvalidArgumentError, match="delta: got"):
        lidar_noise_corrected(views, delta=value)
    with pytest.raises(InvalidArgumentError, match="epsilon: got"):
        lidar_noise_corrected(views, epsilon=value)


@pytest.mark.parametrize(("n", "expected"), [(65, 31.0), (200, 41.0)])
def test_few_images_of_two_views_read_low(n: int, expected: float) -> None:
    """metrics.md 5.4: D = 128, q = 2; 32 at n = 65 and 41 at n = 200 for one population."""
    views = signal_views(n, 2, 128, n_signal=8, ratio=4.0)
    assert lidar(views) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("value", [1e160, 1.7e308])
def test_overflow_raises_at_any_size(value: float) -> None:
    views = value * torch.where(gaussian(9, 3, 2) > 0, 1.0, -1.0).double()
    for measure in (lidar, lidar_noise_corrected, lidar_eigenvalues):
        with pytest.raises(EmbeddingError, match=r"overflow|infinite"):
            measure(views)


def test_overflow_within_images_alone_raises() -> None:
    """Views that cancel: every image mean is 0, and only their scatter is beyond float64."""
    views = gaussian(9, 1, 3) + 1e160 * torch.tensor([1.0, -1.0]).double()[None, :, None]
    with pytest.raises(EmbeddingError, match="overflow float64"):
        lidar(views)
