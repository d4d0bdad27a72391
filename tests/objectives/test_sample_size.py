"""Values against the sample count: the growth of metrics.md 1.1, and the cheap mode."""

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.jackknife import Interval, distinguishable, jackknife
from objectives.lidar import lidar
from objectives.rankme import rankme
from objectives.sample_size import ValueCurve, quick, value_curve
from objectives.spectrum import effective_rank
from tests.objectives.builders import QUICK, gaussian, numpy64, signal_views


def decaying(n_samples: int, dim: int, *, seed: int, exponent: float = 1.0) -> Tensor:
    """Independent draws whose population covariance has the eigenvalues k^-exponent."""
    ranks = torch.arange(1, dim + 1, dtype=torch.float64)
    return gaussian(n_samples, dim, seed=seed) * ranks ** (-exponent / 2)


def mean_values(sizes: list[int]) -> list[float]:
    """RankMe in 64 dims at each size, averaged over eight draws of images."""
    draws = [
        value_curve(rankme, decaying(sizes[-1], 64, seed=s), sizes=sizes, n_blocks=2).values
        for s in range(8)
    ]
    return [sum(column) / len(column) for column in zip(*draws, strict=True)]


LIMIT = effective_rank(torch.arange(1, 65, dtype=torch.float64) ** -0.5)
"""RankMe of infinitely many images of `decaying` in 64 dims: 54.99."""


def curve_of(values: Sequence[float]) -> ValueCurve:
    sizes = tuple(2**k for k in range(4, 4 + len(values)))
    return ValueCurve(
        sizes,
        tuple(Interval(v, v, v, 0.0, 0.0, n, 8, 0.95) for n, v in zip(sizes, values, strict=True)),
    )


def seen_by_the_measure(samples: Tensor, n_samples: int, seed: int = 0) -> Tensor:
    seen: list[Tensor] = []

    def record(given_samples: Tensor) -> float:
        seen.append(given_samples.clone())
        return 0.0

    quick(record, samples, n_samples=n_samples, n_blocks=2, seed=seed)
    return seen[0]


def test_rank_grows_with_the_sample_count_as_in_the_table() -> None:
    """metrics.md 1.1 at dim 512, as shares of the limit 409.6; dim 64 has the same shares."""
    table = {1: 328 / 409.6, 2: 377 / 409.6, 5: 397 / 409.6, 10: 404 / 409.6, 20: 407 / 409.6}
    shares = [value / LIMIT for value in mean_values([64 * ratio for ratio in table])]
    assert shares == pytest.approx(list(table.values()), rel=0.01)
    assert shares == sorted(shares)


def test_enough_for_rankme_is_five_to_ten_times_the_dim() -> None:
    """And the interval alone would not say so: it is narrow long before."""
    curve = value_curve(rankme, decaying(1024, 64, seed=1))
    assert curve.sizes == (64, 128, 256, 512, 1024)
    assert curve.enough(0.05) == 256
    assert curve.enough(0.02) == 512
    assert curve.enough(0.001) is None
    at_128 = curve.intervals[1]
    assert at_128.relative < 0.04
    assert at_128.high < curve.values[-1]


def test_what_is_left_to_the_limit_is_about_the_last_doubling() -> None:
    half, whole = mean_values([256, 512])
    assert LIMIT - whole == pytest.approx(whole - half, rel=0.25)
    bias = quick(rankme, decaying(512, 64, seed=1), n_samples=512).bias
    assert -bias == pytest.approx(LIMIT - whole, rel=0.25)


@pytest.mark.parametrize(
    ("values", "tolerance", "expected"),
    [
        ([1.0, 6.0, 9.6, 9.9, 10.0], 0.05, 64),
        ([1.0, 6.0, 9.6, 9.9, 10.0], 0.01, 128),
        ([1.0, 6.0, 9.6, 9.8, 10.0], 0.01, None),
        ([9.9, 10.0, 7.0, 9.9, 10.0], 0.05, 128),  # the first two are near by chance
        ([13.0, 10.4, 10.0], 0.05, 32),  # α falls with n
        ([-9.9, -10.0], 0.05, 16),
        ([10.0, 10.0, 10.0], 1e-9, 16),
        ([10.0], 0.05, None),
        ([10.0, 10.0, math.nan], 0.05, None),
        ([10.0, math.nan, 10.0, 10.0], 0.05, 64),
        ([0.0, 0.0], 0.05, 16),
        ([1e-9, 0.0], 0.05, None),
    ],
)
def test_enough(values: list[float], tolerance: float, expected: int | None) -> None:
    assert curve_of(values).enough(tolerance) == expected


@pytest.mark.parametrize("tolerance", [-0.1, 0.0, math.inf, math.nan])
def test_enough_refuses_a_tolerance_that_is_no_share(tolerance: float) -> None:
    with pytest.raises(InvalidArgumentError, match=r"tolerance: got .*above 0.*0\.05"):
        curve_of([1.0, 1.0]).enough(tolerance)


def test_curve_is_made_of_quick_intervals() -> None:
    samples = decaying(100, 6, seed=3)
    curve = value_curve(rankme, samples, sizes=[30, 100], n_blocks=5, confidence=0.8, seed=4)
    assert curve.sizes == (30, 100)
    assert curve.intervals == tuple(
        quick(rankme, samples, n_samples=n, n_blocks=5, confidence=0.8, seed=4) for n in (30, 100)
    )
    assert curve.values == tuple(interval.value for interval in curve.intervals)
    assert curve.intervals[1] == jackknife(rankme, samples, n_blocks=5, confidence=0.8, seed=4)


@pytest.mark.parametrize(
    ("n_samples", "n_blocks", "expected"),
    [(333, 8, (20, 41, 83, 166, 333)), (33, 8, (8, 16, 33)), (8, 8, (8,)), (10, 2, (2, 5, 10))],
)
def test_default_sizes_are_halvings(
    n_samples: int, n_blocks: int, expected: tuple[int, ...]
) -> None:
    assert value_curve(rankme, gaussian(n_samples, 2), n_blocks=n_blocks).sizes == expected


def test_default_curve_has_an_interval_per_block_count() -> None:
    intervals = value_curve(rankme, gaussian(64, 2)).intervals
    assert {interval.n_blocks for interval in intervals} == {8}
    assert [interval.n_samples for interval in intervals] == [8, 16, 32, 64]


@pytest.mark.parametrize("sizes", [[], [20, 20], [30, 20]])
def test_curve_refuses_sizes_that_do_not_increase(sizes: list[int]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"sizes: got \[.*strictly increasing"):
        value_curve(rankme, gaussian(40, 2), sizes=sizes)


@pytest.mark.parametrize(
    ("n_samples", "wanted"),
    [(41, "wanted at most the 40 images"), (7, "n_blocks=8"), (0, "n_blocks=8"), (-3, "n_blocks")],
)
def test_refuses_sizes_out_of_range(n_samples: int, wanted: str) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"n_samples: got {n_samples}.*{wanted}"):
        quick(rankme, gaussian(40, 2), n_samples=n_samples)
    with pytest.raises(InvalidArgumentError, match=rf"n_samples: got {n_samples}.*{wanted}"):
        value_curve(rankme, gaussian(40, 2), sizes=[n_samples])


def test_takes_as_many_samples_as_there_are_and_as_few_as_blocks() -> None:
    samples = gaussian(40, 2)
    assert quick(rankme, samples, n_samples=40).value == rankme(samples)
    assert quick(rankme, samples, n_samples=8).n_samples == 8


def test_passes_on_the_errors_of_the_samples_and_of_the_jackknife() -> None:
    with pytest.raises(EmbeddingError, match="samples: got a 1-D"):
        quick(rankme, torch.zeros(4), n_samples=2)
    with pytest.raises(EmbeddingError, match="samples: got a 1-D"):
        value_curve(rankme, torch.zeros(4))
    with pytest.raises(InvalidArgumentError, match="confidence: got 2"):
        quick(rankme, gaussian(40, 2), n_samples=20, confidence=2.0)
    with pytest.raises(InvalidArgumentError, match="n_blocks: got 1 "):
        value_curve(rankme, gaussian(40, 2), n_blocks=1)


@QUICK
@given(small=st.integers(2, 30), more=st.integers(0, 20), seed=st.integers(0, 1000))
def test_subsets_are_nested_distinct_images_in_their_own_order(
    small: int, more: int, seed: int
) -> None:
    samples = torch.arange(50.0)[:, None]
    few = seen_by_the_measure(samples, small, seed)[:, 0].tolist()
    many = seen_by_the_measure(samples, small + more, seed)[:, 0].tolist()
    assert len(set(few)) == small
    assert set(few) <= set(many)
    assert few == sorted(few)


def test_subset_is_that_of_the_seed_for_every_trial() -> None:
    one, other = torch.arange(200.0)[:, None], 1000.0 + torch.arange(200.0)[:, None]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = seen_by_the_measure(one, 20)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(seen_by_the_measure(other, 20), first + 1000.0)
    assert not torch.equal(seen_by_the_measure(one, 20, seed=1), first)
    assert float(first.max()) > 100.0  # not simply the first rows: images come class by class


def test_takes_views_numpy_and_leaves_them_as_they_were() -> None:
    views = signal_views(80, 3, 5, n_signal=2, ratio=9.0)
    before = views.clone()
    interval = quick(lidar, views, n_samples=40)
    assert interval == quick(lidar, numpy64(views), n_samples=40)
    assert torch.equal(views, before)
    assert value_curve(lidar, views, sizes=[40, 80]).intervals[0] == interval
    assert seen_by_the_measure(views.to(torch.float16), 10).dtype == torch.float16


def test_quick_tells_a_collapsing_trial_from_a_healthy_one_but_no_twins() -> None:
    healthy, twin = (decaying(2000, 64, seed=s) for s in (6, 7))
    collapsing = decaying(2000, 64, seed=8, exponent=3.0)
    sure = [quick(rankme, x, n_samples=128) for x in (healthy, twin, collapsing)]
    assert not distinguishable(sure[0], sure[1])
    assert distinguishable(sure[0], sure[2])


def test_quick_says_when_it_is_less_sure() -> None:
    samples = decaying(2048, 32, seed=9)
    widths = [quick(rankme, samples, n_samples=n).relative for n in (64, 256, 2048)]
    assert widths[0] > 1.5 * widths[1] > 2.0 * widths[2]
