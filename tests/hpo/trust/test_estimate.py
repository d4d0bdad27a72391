"""Intervals that hold for few trials too."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.trust.estimate import Estimate, estimates
from hpo.trust.ranking import tau_and_rho


def holds(found: Estimate, truth: float | None) -> bool:
    assert None not in (found.low, found.high, truth)
    return -1 <= (found.low or 0.0) <= (truth or 0.0) <= (found.high or 0.0) <= 1


@pytest.mark.parametrize(("n", "r"), [(6, 0.0), (8, 0.95), (12, 0.6), (25, 0.9)])
def test_nineteen_of_twenty_intervals_hold_the_truth(n: int, r: float) -> None:
    """Of normal pairs with correlation r: τ = 2/π arcsin r, ρ = 6/π arcsin r/2."""
    rng, tau_hits, rho_hits, n_studies = np.random.default_rng(n), 0, 0, 200
    for _ in range(n_studies):
        x = rng.normal(size=n)
        y = r * x + np.sqrt(1 - r * r) * rng.normal(size=n)
        tau, rho = estimates(x, y, n_resamples=200)
        tau_hits += holds(tau, 2 / np.pi * np.arcsin(r))
        rho_hits += holds(rho, 6 / np.pi * np.arcsin(r / 2))
    assert min(tau_hits, rho_hits) >= 0.92 * n_studies


def test_a_perfect_order_of_few_is_not_certain() -> None:
    five = np.arange(5.0)
    assert tau_and_rho(five, five)[0].low == 1.0  # what resampling alone would claim
    tau, rho = estimates(five, five)
    assert (tau.value, tau.high) == (1.0, 1.0)
    assert tau.low == pytest.approx(np.tanh(np.arctanh(0.8) - 1.96 * np.sqrt(0.437)), abs=1e-3)
    assert rho.low is not None
    assert rho.low < 0.3
    assert not tau.is_known


def test_the_interval_narrows_with_trials_and_holds_the_value() -> None:
    widths = []
    for n in (5, 8, 20, 60):
        x = np.arange(float(n))
        tau, _ = estimates(x, x + 3 * np.sin(7 * x), n_resamples=300)
        assert holds(tau, tau.value)
        widths.append((tau.high or 0.0) - (tau.low or 0.0))
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("n", [3, 4])
def test_of_three_or_four_anything_may_be_true(n: int) -> None:
    tau = estimates(np.arange(float(n)), np.arange(float(n)))[0]
    assert (tau.low, tau.high) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("scores", "accuracies", "why"),
    [
        ([], [], "0 trials, at least 3 wanted"),
        ([1.0], [0.5], "1 trial, at least 3 wanted"),
        ([1.0, 2.0], [0.5, 0.6], "2 trials, at least 3 wanted"),
        ([1.0, np.nan, np.nan, 2.0], [0.5, 0.6, 0.7, 0.8], "2 trials, at least 3 wanted"),
        ([2.0, 2.0, 2.0], [0.5, 0.6, 0.7], "all 3 scores are equal"),
        ([1.0, 2.0, 3.0], [0.5, 0.5, 0.5], "all 3 accuracies are equal"),
    ],
)
def test_what_is_undefined_says_why(scores: list[float], accuracies: list[float], why: str) -> None:
    for found in estimates(np.array(scores), np.array(accuracies)):
        assert found.undefined == why
        assert (found.value, found.low, found.high) == (None, None, None)


def test_many_trials_take_fewer_resamples() -> None:
    """2,000 trials at 1,000 resamples would take half a minute."""
    x = np.arange(700.0)
    tau = estimates(x, np.roll(x, 1))[0]
    assert tau.low is not None
    assert tau.low > 0.9
