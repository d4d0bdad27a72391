"""α-ReQ against Agrawal et al., NeurIPS 2022, and their code; values from metrics.md 2, 5 and 6."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectives import (
    GOLDILOCKS_ZONE,
    AlphaFit,
    EmbeddingError,
    InvalidArgumentError,
    alpha_req,
    covariance_eigenvalues,
    fit_power_law,
    zone_distance,
)
from tests.objectives.builders import (
    QUICK,
    gaussian,
    near_collapse,
    numpy64,
    power_law,
    rotation,
)

RANKS = torch.arange(1, 257, dtype=torch.float64)
SIX = torch.tensor([1, 1 / 2, 1 / 3, 1 / 4, 1 / 6, 1 / 9], dtype=torch.float64)


def reference_fit(
    eigenvalues: NDArray[np.float64], first: int, last: int, *, weighted: bool = True
) -> tuple[float, float]:
    """Stringer et al. 2019's weighted fit, as fastssl copied it; α and its weighted R²."""
    ranks = np.arange(first, last + 1)
    y = np.log(eigenvalues[first - 1 : last])
    weights = 1.0 / ranks if weighted else np.ones(ranks.size)
    slope, intercept = np.polyfit(np.log(ranks), y, 1, w=np.sqrt(weights))
    residual = (weights * (y - slope * np.log(ranks) - intercept) ** 2).sum()
    total = (weights * (y - np.average(y, weights=weights)) ** 2).sum()
    return -float(slope), 1.0 - float(residual / total)


def reference_alpha(embeddings: NDArray[np.float64], first: int, last: int) -> tuple[float, float]:
    """The same from embeddings, through the SVD of the centred matrix."""
    centred = embeddings - embeddings.mean(axis=0)
    sigma = np.linalg.svd(centred, compute_uv=False)
    return reference_fit(sigma**2 / len(centred), first, last)


def assert_nan(fit: AlphaFit) -> None:
    assert math.isnan(fit.alpha)
    assert math.isnan(fit.r_squared)
    assert not fit.valid


@pytest.mark.parametrize("shape", [(500, 120), (150, 60), (60, 150)])
def test_matches_the_reference(shape: tuple[int, int]) -> None:
    embeddings = gaussian(*shape) * RANKS[: shape[1]] ** -0.4 + 2.0
    fit = alpha_req(embeddings)
    last = min(100, shape[0] - 1, shape[1])
    alpha, r_squared = reference_alpha(numpy64(embeddings), 4, last)
    assert (fit.first_rank, fit.last_rank, fit.n_ranks) == (4, last, last - 3)
    assert fit.alpha == pytest.approx(alpha, rel=1e-9)
    assert fit.r_squared == pytest.approx(r_squared, rel=1e-9)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize(("first", "last"), [(4, 100), (1, 30), (11, 100), (6, 20)])
def test_exact_power_law(exponent: float, first: int, last: int) -> None:
    embeddings = 7.0 * power_law(exponent, 160, 40)
    fit = alpha_req(embeddings, first_rank=first, last_rank=last)
    assert fit.alpha == pytest.approx(exponent, abs=1e-9)
    assert fit.r_squared == pytest.approx(1.0, abs=1e-9)
    assert fit.valid
    assert fit.last_rank == min(last, 40)


def test_ranks_are_one_based_inclusive_and_weighted() -> None:
    fit = fit_power_law(SIX, first_rank=4, last_rank=6)
    assert fit.alpha == pytest.approx(1.98015201, abs=5e-9)
    assert (fit.first_rank, fit.last_rank, fit.n_ranks) == (4, 6, 3)
    unweighted, _ = reference_fit(SIX.numpy(), 4, 6, weighted=False)
    assert unweighted == pytest.approx(1.99326519, abs=5e-9)


def test_the_tail_beyond_rank_100_does_not_count() -> None:
    broken = torch.where(RANKS <= 100, 1 / RANKS, 1e4 / RANKS**3)
    assert fit_power_law(broken).alpha == pytest.approx(1.0, abs=1e-12)
    everything, _ = reference_fit(broken.numpy(), 1, 256, weighted=False)
    assert everything == pytest.approx(1.5195, abs=5e-5)


def test_an_exponential_is_reported_as_no_power_law() -> None:
    fit = fit_power_law(torch.exp(-0.05 * RANKS))
    assert fit.alpha == pytest.approx(1.23415, abs=5e-6)
    assert fit.r_squared < 0.95
    assert not fit.valid


def test_the_threshold_is_inclusive() -> None:
    assert AlphaFit(1.0, 0.95, 4, 100, 97).valid
    assert not AlphaFit(1.0, 0.9499, 4, 100, 97).valid
    assert not AlphaFit(math.inf, 1.0, 4, 100, 97).valid


@pytest.mark.parametrize("dim", [9, 8])
def test_few_eigenvalues_clip_the_range(dim: int) -> None:
    """Ranks 4 to 8 are five points; fewer have no value, and no dim has an IndexError."""
    fit = alpha_req(power_law(1.0, 50, dim))
    assert fit.alpha == pytest.approx(1.0, abs=1e-9)
    assert (fit.last_rank, fit.n_ranks) == (dim, dim - 3)


@pytest.mark.parametrize("dim", range(1, 8))
def test_fewer_than_five_points_have_no_value(dim: int) -> None:
    fit = alpha_req(power_law(1.0, 50, dim))
    assert_nan(fit)
    assert fit.n_ranks == max(0, dim - 3)


def test_a_spectrum_cut_by_the_samples_is_clipped_before_its_structural_zero() -> None:
    fit = alpha_req(gaussian(30, 64))
    assert (fit.last_rank, fit.n_ranks) == (29, 26)
    assert math.isfinite(fit.alpha)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_spectrum_that_ends_inside_the_range_has_no_value(dtype: torch.dtype) -> None:
    """metrics.md 5.1 row 23: reptrix reads 40.8 and 18.4 from the round-off of rank-20 data."""
    embeddings = gaussian(400, 20) @ gaussian(20, 128, seed=1)
    assert_nan(alpha_req(embeddings.to(dtype)))
    assert math.isfinite(alpha_req(embeddings.to(dtype), last_rank=20).alpha)


def test_low_rank_in_bfloat16_is_at_least_not_valid() -> None:
    """There the round-off is in the features themselves, so it has a spectrum, but no power law."""
    embeddings = gaussian(400, 20) @ gaussian(20, 128, seed=1)
    assert not alpha_req(embeddings.bfloat16()).valid


def test_equal_rows_have_no_value() -> None:
    assert_nan(alpha_req((0.1 * gaussian(1, 20)).expand(60, 20)))
    assert_nan(alpha_req(torch.zeros(60, 20)))


@pytest.mark.parametrize("t", [0.1, 1e-3, 1e-6])
def test_near_collapse_is_not_seen(t: float) -> None:
    """metrics.md 5.6: 0.37 whatever t, the reading of the noise alone."""
    fit = alpha_req(near_collapse(t, 500, 64))
    assert fit.alpha == pytest.approx(0.37, abs=0.03)
    assert not fit.valid


def test_the_range_and_the_weights_keep_the_sampling_bias_small() -> None:
    """metrics.md 2.1: population α = 1, D = 256, about 1 even at N near D; OLS on all is not."""
    for n_samples, everything in ((300, 1.674), (1000, 1.158)):
        embeddings = gaussian(n_samples, 256) * RANKS**-0.5
        assert alpha_req(embeddings).alpha == pytest.approx(1.0, abs=0.04)
        eigenvalues = covariance_eigenvalues(embeddings).numpy()
        biased, _ = reference_fit(eigenvalues, 1, 256, weighted=False)
        assert biased == pytest.approx(everything, rel=0.05)


def test_an_outlier_row_moves_it() -> None:
    """metrics.md 5.7: one row x1000 bends the fit upwards, by about 0.07."""
    embeddings = gaussian(1000, 128) * RANKS[:128] ** -0.5
    clean = alpha_req(embeddings).alpha
    embeddings[0] *= 1000
    assert alpha_req(embeddings).alpha != pytest.approx(clean, abs=1e-3)


@QUICK
@given(
    seed=st.integers(0, 999),
    scale=st.sampled_from([-2.0, 1e-5, 1e5]),
    shift=st.floats(-100, 100),
    repeats=st.integers(1, 3),
)
def test_invariances(seed: int, scale: float, shift: float, repeats: int) -> None:
    embeddings = gaussian(40, 12, seed=seed) * RANKS[:12] ** -0.5
    expected = alpha_req(embeddings).alpha
    order = torch.randperm(40, generator=torch.Generator().manual_seed(seed))
    padded = torch.cat([embeddings, torch.zeros(40, 4, dtype=torch.float64)], dim=1)
    for changed in (
        embeddings * scale,
        embeddings + shift,
        embeddings @ rotation(12, seed=seed + 1),
        embeddings[order],
        embeddings.repeat(repeats, 1),
    ):
        assert alpha_req(changed).alpha == pytest.approx(expected, rel=1e-8)
    # Zero columns are zero eigenvalues: unchanged as long as the range ends before them.
    assert alpha_req(padded, last_rank=12).alpha == pytest.approx(expected, rel=1e-8)
    assert_nan(alpha_req(padded))


def test_eigenvalues_in_any_order_and_container_and_never_changed() -> None:
    shuffled = (1 / RANKS)[torch.randperm(256, generator=torch.Generator().manual_seed(0))]
    before = shuffled.clone()
    values = {fit_power_law(shuffled).alpha, fit_power_law(shuffled.numpy()).alpha}
    assert values == {fit_power_law(1 / RANKS).alpha}
    assert torch.equal(shuffled, before)


def test_repeated_fits_do_not_drift() -> None:
    """metrics.md 5.1 row 21: an index array shifted in place moves reptrix's range each call."""
    spectrum = torch.exp(-0.01 * RANKS) / RANKS
    assert len({fit_power_law(spectrum) for _ in range(4)}) == 1


def test_refit_takes_the_authors_ranges_only_when_poor() -> None:
    good = power_law(1.0, 160, 64)
    assert alpha_req(good, refit=True) == alpha_req(good)
    # A power law that breaks at rank 50: poor over 4-100, good over 6-50.
    sigma = torch.where(RANKS <= 50, 1 / RANKS, torch.exp(-0.3 * (RANKS - 50)) / RANKS).sqrt()
    embeddings = torch.cat([torch.diag(sigma[:110]), -torch.diag(sigma[:110])])
    assert not alpha_req(embeddings).valid
    refitted = alpha_req(embeddings, refit=True)
    assert (refitted.first_rank, refitted.last_rank) == (6, 50)
    assert refitted.alpha == pytest.approx(1.0, abs=1e-6)


def test_refit_ends_at_rank_20_whatever_it_finds() -> None:
    sigma = torch.exp(-0.1 * RANKS[:110])
    fit = alpha_req(torch.cat([torch.diag(sigma), -torch.diag(sigma)]), refit=True)
    assert (fit.first_rank, fit.last_rank) == (6, 20)


@pytest.mark.parametrize(
    ("alpha", "distance"),
    [(0.8, 0.0), (1.0, 0.0), (1.2, 0.0), (1.5, 0.3), (0.5, 0.3), (-1.0, 1.8)],
)
def test_zone_distance(alpha: float, distance: float) -> None:
    assert zone_distance(alpha) == pytest.approx(distance)
    assert GOLDILOCKS_ZONE == (0.8, 1.2)


def test_zone_distance_keeps_nan_and_takes_another_zone() -> None:
    assert math.isnan(zone_distance(math.nan))
    assert zone_distance(2.0, (0.5, 1.0)) == 1.0
    assert zone_distance(math.inf) == math.inf


@pytest.mark.parametrize("zone", [(1.2, 0.8), (math.nan, 1.0), (0.0, math.inf)])
def test_impossible_zones_raise(zone: tuple[float, float]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"zone: got .* wanted finite"):
        zone_distance(1.0, zone)


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [(0, 100, "first_rank: got 0"), (10, 4, "last_rank: got 4"), (4, 5, "wanted at least 6")],
)
def test_impossible_ranges_raise(first: int, last: int, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        alpha_req(gaussian(20, 10), first_rank=first, last_rank=last)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (torch.ones(3, 3), "wanted a floating 1-D"),
        (torch.ones(9, dtype=torch.int64), "wanted a floating 1-D"),
        (torch.tensor([1.0, -1e-9]), "1 of 2 negative or not finite"),
        (torch.tensor([1.0, math.nan, math.inf]), "2 of 3 negative or not finite"),
    ],
)
def test_impossible_eigenvalues_raise(values: torch.Tensor, message: str) -> None:
    with pytest.raises(EmbeddingError, match=message):
        fit_power_law(values)


def test_one_sample_raises() -> None:
    with pytest.raises(EmbeddingError, match="wanted at least 2"):
        alpha_req(gaussian(1, 10))
