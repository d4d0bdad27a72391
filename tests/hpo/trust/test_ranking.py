"""Rank correlations against scipy's and against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from hpo.trust.ranking import below, tau_and_rho

few = st.integers(0, 5).map(float)  # small whole numbers tie often
pairs = st.lists(st.tuples(few, few), min_size=3, max_size=20)


def constant(values: np.ndarray) -> bool:
    return bool(np.ptp(values) == 0)


@given(pairs)
@settings(max_examples=60, deadline=None)
def test_values_are_scipys_ties_and_all(found: list[tuple[float, float]]) -> None:
    x, y = np.array(found).T
    tau, rho = tau_and_rho(x, y, n_resamples=0)
    if constant(x) or constant(y):
        assert np.isnan([tau.value, rho.value]).all()
        return
    assert tau.value == pytest.approx(kendalltau(x, y).statistic)
    assert rho.value == pytest.approx(spearmanr(x, y).statistic)


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=12, unique=True))
@settings(max_examples=30, deadline=None)
def test_a_rising_transformation_changes_nothing(values: list[float]) -> None:
    x = np.round(np.array(values), 3)
    y = np.sin(np.arange(len(x)) * 1.7)
    before, after = tau_and_rho(x, y, n_resamples=50), tau_and_rho(x**3 + 2, y, n_resamples=50)
    assert before == after
    falling = tau_and_rho(-x, y, n_resamples=0)
    assert falling[0].value == pytest.approx(-before[0].value, nan_ok=True)


def test_tau_b_by_hand_with_a_tie_on_each_side() -> None:
    """Pairs of (1,1) (2,1) (2,3): one tied in y, one in x, one concordant: 1 / √(2 · 2)."""
    tau, _ = tau_and_rho(np.array([1.0, 2.0, 2.0]), np.array([1.0, 1.0, 3.0]), n_resamples=0)
    assert tau.value == pytest.approx(0.5)


def test_trials_without_a_value_are_left_out_and_not_counted() -> None:
    x = np.array([1.0, np.nan, 2.0, 3.0, np.inf, 4.0])
    y = np.array([1.0, 9.0, 2.0, 3.0, 0.0, np.nan])
    tau, rho = tau_and_rho(x, y, n_resamples=0)
    assert (tau.n, tau.value, rho.value) == (3, 1.0, pytest.approx(1.0))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_of_fewer_than_three_nothing_is_said(n: int) -> None:
    tau, rho = tau_and_rho(np.arange(float(n)), np.arange(float(n)))
    assert np.isnan([tau.value, tau.low, rho.value, rho.high]).all()
    assert tau.n == n


def test_the_interval_is_that_of_asking_scipy_of_each_resample() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=15)
    y = x + rng.normal(size=15)
    tau, rho = tau_and_rho(x, y, seed=1, n_resamples=200)
    times = np.random.default_rng([1, 15]).multinomial(15, np.full(15, 1 / 15), size=200)
    drawn = [np.repeat(np.arange(15), each) for each in times]
    taus = [kendalltau(x[d], y[d]).statistic for d in drawn]
    rhos = [spearmanr(x[d], y[d]).statistic for d in drawn]
    assert (tau.low, tau.high) == pytest.approx(tuple(np.quantile(taus, [0.025, 0.975])))
    assert (rho.low, rho.high) == pytest.approx(tuple(np.quantile(rhos, [0.025, 0.975])))
    assert tau_and_rho(x, y, seed=1, n_resamples=200) == (tau, rho)
    assert tau_and_rho(x, y, seed=2, n_resamples=200)[0].low != tau.low


def test_below_gives_half_a_win_to_equals() -> None:
    assert below(np.array([2.0, 2.0, 1.0])).tolist() == [
        [0.5, 0.5, 0.0],
        [0.5, 0.5, 0.0],
        [1.0, 1.0, 0.5],
    ]
