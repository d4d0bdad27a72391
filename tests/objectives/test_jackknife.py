"""The jackknife against its closed forms, and against what drawing new images really does."""

import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.jackknife import Interval, check_samples, distinguishable, jackknife
from objectives.lidar import lidar
from objectives.rankme import rankme
from tests.objectives.builders import QUICK, gaussian, generator, numpy64, signal_views

INTERVAL = Interval(5.0, 4.8, 5.2, 0.1, 0.0, 512, 20, 0.95)


def mean(samples: Tensor) -> float:
    return float(samples.mean())


def decaying(n_samples: int, dim: int, *, seed: int) -> Tensor:
    """Independent draws whose population covariance has the eigenvalues 1/k."""
    ranks = torch.arange(1, dim + 1, dtype=torch.float64)
    return gaussian(n_samples, dim, seed=seed) * ranks**-0.5


def identities(n_samples: int) -> Tensor:
    return torch.arange(n_samples, dtype=torch.float64)[:, None]


def seen_by_the_measure(samples: Tensor, n_blocks: int, seed: int = 0) -> list[Tensor]:
    seen: list[Tensor] = []

    def record(given_samples: Tensor) -> float:
        seen.append(given_samples.clone())
        return 0.0

    jackknife(record, samples, n_blocks=n_blocks, seed=seed)
    return seen


@pytest.mark.parametrize("n_samples", [2, 5, 40])
def test_leaving_out_single_images_gives_the_textbook_error_of_a_mean(n_samples: int) -> None:
    samples = gaussian(n_samples, 1)
    values = numpy64(samples)[:, 0]
    result = jackknife(mean, samples, n_blocks=n_samples)
    expected = scipy.stats.sem(values)
    t = scipy.stats.t.ppf(0.975, n_samples - 1)
    assert result.value == mean(samples)
    assert result.standard_error == pytest.approx(expected, rel=1e-9)
    assert result.low == pytest.approx(values.mean() - t * expected, rel=1e-9)
    assert result.high == pytest.approx(values.mean() + t * expected, rel=1e-9)
    assert result.bias == pytest.approx(0.0, abs=1e-12)
    assert (result.n_samples, result.n_blocks, result.confidence) == (n_samples, n_samples, 0.95)


@pytest.mark.parametrize("n_blocks", [2, 3, 20])
def test_matches_the_pseudo_values_of_the_same_blocks(n_blocks: int) -> None:
    """Tukey 1958: se is that of the mean of g θ − (g − 1) θ_(j)."""
    samples = decaying(60, 8, seed=1)
    whole, *kept = seen_by_the_measure(samples, n_blocks)
    theta = np.linalg.norm(numpy64(whole), "nuc")
    pseudo = [n_blocks * theta - (n_blocks - 1) * np.linalg.norm(numpy64(x), "nuc") for x in kept]
    result = jackknife(
        lambda x: float(torch.linalg.matrix_norm(x, "nuc")), samples, n_blocks=n_blocks
    )
    assert result.standard_error == pytest.approx(scipy.stats.sem(pseudo), rel=1e-9)
    assert result.value - result.bias == pytest.approx(np.mean(pseudo), rel=1e-9)


def test_bias_of_the_plain_variance_is_exact() -> None:
    """Efron and Tibshirani 1993, 11.3: dividing by n is biased by −s²/n."""
    samples = gaussian(30, 1)
    result = jackknife(lambda x: float(x.var(unbiased=False)), samples, n_blocks=30)
    assert result.bias == pytest.approx(-float(samples.var()) / 30, rel=1e-9)


@pytest.mark.parametrize(("n_samples", "n_blocks"), [(40, 20), (39, 20), (1024, 20), (7, 3)])
def test_a_bias_of_one_over_n_is_exact_and_is_no_noise(n_samples: int, n_blocks: int) -> None:
    """Blocks of unequal sizes would see the growth with n as a standard error."""
    result = jackknife(lambda x: 1.0 + 1.0 / len(x), identities(n_samples), n_blocks=n_blocks)
    assert result.value == 1.0 + 1.0 / n_samples
    assert result.bias == pytest.approx(1.0 / n_samples, rel=1e-6)
    assert result.standard_error == 0.0
    assert result.low == result.value == result.high


@pytest.mark.parametrize(("n_samples", "n_blocks"), [(40, 20), (39, 20), (11, 4), (25, 8)])
def test_error_of_a_mean_is_the_spread_of_the_block_means(n_samples: int, n_blocks: int) -> None:
    """Also when n is not a multiple of g: se² = (m / n) · variance of the means of m images."""
    samples = gaussian(n_samples, 1)
    size = n_samples // n_blocks
    _, *kept = seen_by_the_measure(samples, n_blocks)
    means = [(samples.sum() - x.sum()).item() / size for x in kept]
    expected = math.sqrt(size / n_samples * np.var(means, ddof=1))
    found = jackknife(mean, samples, n_blocks=n_blocks).standard_error
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n_samples", "n_blocks"), [(20, 20), (60, 20), (39, 20), (25, 8)])
def test_leaves_out_disjoint_blocks_of_equal_size(n_samples: int, n_blocks: int) -> None:
    whole, *kept = seen_by_the_measure(identities(n_samples), n_blocks)
    everyone = set(range(n_samples))
    gone = [everyone - {int(i) for i in x[:, 0]} for x in kept]
    assert torch.equal(whole, identities(n_samples))
    assert len(kept) == n_blocks
    assert {len(block) for block in gone} == {n_samples // n_blocks}
    assert len(set.union(*gone)) == n_blocks * (n_samples // n_blocks)
    assert all(torch.equal(x, x.sort(dim=0).values) for x in kept)


def test_blocks_are_random_by_the_seed_and_leave_global_randomness_alone() -> None:
    samples = gaussian(64, 2)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = jackknife(mean, samples, n_blocks=8)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert jackknife(mean, samples, n_blocks=8) == first
    assert jackknife(mean, samples, n_blocks=8, seed=1).standard_error != first.standard_error


def test_ordered_images_do_not_end_up_in_one_block() -> None:
    """Images come class by class; blocks of neighbours would call the classes noise."""
    by_class = torch.arange(10, dtype=torch.float64).repeat_interleave(40)[:, None]
    result = jackknife(mean, by_class, n_blocks=20)
    assert result.standard_error == pytest.approx(float(by_class.std()) / 20, rel=0.5)


def test_images_are_left_out_with_all_their_views() -> None:
    views = identities(12)[:, :, None].repeat(1, 3, 2) + torch.tensor([0.0, 0.25, 0.5])[:, None]
    for kept in seen_by_the_measure(views, 4)[1:]:
        assert kept.shape == (9, 3, 2)
        assert torch.equal(kept[:, :, 0] - kept[:, :1, 0], views[:9, :, 0] - views[:9, :1, 0])


def test_measures_views() -> None:
    views = signal_views(40, 4, 6, n_signal=3, ratio=20.0)
    result = jackknife(lidar, views, n_blocks=8)
    assert result.value == lidar(views)
    assert 0.0 < result.relative < 0.5


@QUICK
@given(
    scale=st.floats(0.01, 100.0), shift=st.floats(-10.0, 10.0), confidence=st.floats(0.01, 0.999)
)
def test_follows_a_linear_change_of_the_measure(
    scale: float, shift: float, confidence: float
) -> None:
    samples = decaying(33, 4, seed=2)
    plain = jackknife(rankme, samples, n_blocks=5, confidence=confidence)
    moved = jackknife(
        lambda x: -scale * rankme(x) + shift, samples, n_blocks=5, confidence=confidence
    )
    t = scipy.stats.t.ppf((1.0 + confidence) / 2.0, 4)
    assert moved.standard_error == pytest.approx(scale * plain.standard_error, rel=1e-6)
    assert moved.bias == pytest.approx(-scale * plain.bias, rel=1e-6)
    assert moved.high == pytest.approx(-scale * plain.low + shift, rel=1e-6, abs=1e-9)
    assert (plain.high - plain.low) / 2 == pytest.approx(t * plain.standard_error, rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_hands_on_the_dtype_and_changes_nothing(dtype: torch.dtype) -> None:
    samples = gaussian(6, 24).to(dtype).T
    before = samples.clone()
    assert {x.dtype for x in seen_by_the_measure(samples, 4)} == {dtype}
    result = jackknife(rankme, samples, n_blocks=4)
    assert torch.equal(samples, before)
    same = jackknife(rankme, before.contiguous(), n_blocks=4)
    assert result.value == pytest.approx(same.value, rel=1e-9)
    assert result.standard_error == pytest.approx(same.standard_error, rel=1e-6)


def test_takes_numpy_arrays_and_leaves_gradients_behind() -> None:
    samples = gaussian(24, 6)
    expected = jackknife(rankme, samples, n_blocks=4)
    assert jackknife(rankme, numpy64(samples), n_blocks=4) == expected
    assert jackknife(rankme, samples.requires_grad_(), n_blocks=4) == expected


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["everywhere", "all samples", "one block"])
def test_a_value_that_is_not_finite_voids_the_interval(bad: float, where: str) -> None:
    def measure(samples: Tensor) -> float:
        whole = len(samples) == 20
        hit = {"everywhere": True, "all samples": whole, "one block": 7.0 not in samples}[where]
        return bad if hit else 3.0

    result = jackknife(measure, identities(20), n_blocks=5)
    value = 3.0 if where == "one block" else bad
    assert result.value == pytest.approx(value, nan_ok=True)
    found = (result.low, result.high, result.standard_error, result.bias, result.relative)
    assert all(math.isnan(number) for number in found)


def test_what_the_measure_raises_passes_through() -> None:
    samples = torch.zeros(10, 2)
    samples[0] = 1.0
    with pytest.raises(EmbeddingError, match="only zeros"):
        jackknife(rankme, samples, n_blocks=10)


def test_relative_is_half_the_width_over_the_value() -> None:
    assert INTERVAL.relative == pytest.approx(0.04)
    assert replace(INTERVAL, value=-5.0, low=-5.2, high=-4.8).relative == pytest.approx(0.04)
    assert replace(INTERVAL, value=0.0).relative == math.inf
    assert math.isnan(replace(INTERVAL, value=0.0, low=math.nan, high=math.nan).relative)
    with pytest.raises(FrozenInstanceError):
        INTERVAL.value = 1.0  # type: ignore[misc]


def test_distinguishable_beyond_the_combined_error() -> None:
    limit = 0.1 * math.sqrt(2.0) * scipy.stats.t.ppf(0.975, 19)
    for sign in (1, -1):
        assert not distinguishable(INTERVAL, replace(INTERVAL, value=5.0 + sign * limit * 0.999))
        assert distinguishable(INTERVAL, replace(INTERVAL, value=5.0 + sign * limit * 1.001))


def test_distinguishable_trusts_the_fewer_blocks() -> None:
    limit = 0.1 * math.sqrt(2.0) * scipy.stats.t.ppf(0.975, 7)
    for factor, expected in ((0.999, False), (1.001, True)):
        other = replace(INTERVAL, value=float(5.0 + limit * factor), n_blocks=8)
        assert distinguishable(INTERVAL, other) is expected
        assert distinguishable(other, INTERVAL) is expected


def test_distinguishable_is_conservative_on_the_same_images() -> None:
    """The errors of two networks on the same images cancel in part (correlation about 0.6)."""
    weights = gaussian(2, 32, 32)
    values = np.array(
        [
            [rankme(torch.relu(images @ first)) for first in weights]
            for images in (decaying(256, 32, seed=s) for s in range(60))
        ]
    )
    spread_of_difference = np.std(values[:, 0] - values[:, 1], ddof=1)
    assert spread_of_difference < 0.85 * math.hypot(*np.std(values, axis=0, ddof=1))


def test_values_of_different_draws_are_seldom_distinguishable() -> None:
    pairs = [
        [jackknife(rankme, decaying(128, 32, seed=2 * s + k), n_blocks=8) for k in (0, 1)]
        for s in range(60)
    ]
    assert np.mean([distinguishable(a, b) for a, b in pairs]) <= 0.1


def test_nan_is_not_distinguishable() -> None:
    void = replace(INTERVAL, value=900.0, standard_error=math.nan)
    assert not distinguishable(INTERVAL, void)
    assert not distinguishable(void, INTERVAL)
    assert not distinguishable(INTERVAL, replace(INTERVAL, value=math.nan))


@pytest.mark.parametrize(("field", "other"), [("n_samples", 256), ("confidence", 0.9)])
def test_distinguishable_refuses_intervals_that_differ_by_design(field: str, other: float) -> None:
    with pytest.raises(InvalidArgumentError, match="same images") as caught:
        distinguishable(INTERVAL, replace(INTERVAL, **{field: other}))  # type: ignore[arg-type]
    assert f"b: got {256 if field == 'n_samples' else 512} samples" in str(caught.value)


@pytest.mark.parametrize("n_blocks", [-1, 0, 1, 11])
def test_refuses_blocks_that_cannot_be_filled(n_blocks: int) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"n_blocks: got {n_blocks} with 10 sample"):
        jackknife(mean, gaussian(10, 2), n_blocks=n_blocks)


@pytest.mark.parametrize("confidence", [-0.1, 0.0, 1.0, 95.0, math.nan])
def test_refuses_a_confidence_that_is_no_share(confidence: float) -> None:
    with pytest.raises(InvalidArgumentError, match=r"confidence: got .*between 0 and 1"):
        jackknife(mean, gaussian(20, 2), confidence=confidence)


def test_checks_the_samples() -> None:
    with pytest.raises(EmbeddingError, match=r"samples: got a 1-D array"):
        check_samples(torch.zeros(4))
    with pytest.raises(EmbeddingError, match=r"samples: got 4 image\(s\) with 1 view"):
        check_samples(torch.zeros(4, 1, 2))
    with pytest.raises(EmbeddingError, match="samples: got 1 of 30 rows with NaN"):
        jackknife(mean, torch.zeros(30, 2).index_fill(0, torch.tensor([3]), math.nan))
    with pytest.raises(EmbeddingError, match="samples: got a list"):
        jackknife(mean, [[1.0]])  # type: ignore[arg-type]


@pytest.mark.parametrize(("n_samples", "n_blocks"), [(200, 20), (200, 8), (39, 20), (30, 20)])
def test_error_of_a_mean_is_right_on_average(n_samples: int, n_blocks: int) -> None:
    """E se² = 1/n also when n is not a multiple of g."""
    found = [
        jackknife(mean, gaussian(n_samples, 1, seed=s), n_blocks=n_blocks).standard_error ** 2
        for s in range(200)
    ]
    assert np.mean(found) * n_samples == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize("n_blocks", [8, 20])
def test_interval_of_a_mean_covers_it(n_blocks: int) -> None:
    intervals = [
        jackknife(lambda x: float(x[:, 0].mean()), gaussian(120, 3, seed=s), n_blocks=n_blocks)
        for s in range(60)
    ]
    covered = np.mean([i.low <= 0.0 <= i.high for i in intervals])
    assert 0.85 <= covered <= 1.0
    half = [jackknife(mean, gaussian(120, 1, seed=s), confidence=0.5) for s in range(60)]
    assert 0.3 <= np.mean([i.low <= 0.0 <= i.high for i in half]) <= 0.7


@pytest.mark.parametrize(("n_samples", "n_blocks"), [(50, 20), (128, 8)])
def test_interval_of_rankme_covers_the_value_expected_at_the_same_n(
    n_samples: int, n_blocks: int
) -> None:
    """At 50 samples in 32 dims the value still climbs steeply: equal blocks matter most there."""
    expected = np.mean([rankme(decaying(n_samples, 32, seed=s)) for s in range(1000, 1200)])
    found = [
        jackknife(rankme, decaying(n_samples, 32, seed=s), n_blocks=n_blocks) for s in range(60)
    ]
    spread = np.std([i.value for i in found], ddof=1)
    assert 0.87 <= np.mean([i.low <= expected <= i.high for i in found]) <= 1.0
    assert np.mean([i.standard_error for i in found]) == pytest.approx(spread, rel=0.3)


def test_a_bootstrap_is_biased_down_where_the_jackknife_is_centred() -> None:
    """Seen here: value 52.9, expected at this n 53.0, bootstrap 50.9 (50.1 to 51.6)."""
    samples = decaying(256, 64, seed=7)
    expected = np.mean([rankme(decaying(256, 64, seed=s)) for s in range(1000, 1040)])
    value = rankme(samples)
    resampled = [
        rankme(samples[torch.randint(256, (256,), generator=generator(s))]) for s in range(60)
    ]
    left_out = [rankme(x) for x in seen_by_the_measure(samples, 20)[1:]]
    interval = jackknife(rankme, samples)
    assert np.mean(resampled) < 0.97 * value
    assert np.percentile(resampled, 97.5) < min(value, float(expected))
    assert np.mean(left_out) == pytest.approx(value, rel=0.005)
    assert interval.low < expected < interval.high
