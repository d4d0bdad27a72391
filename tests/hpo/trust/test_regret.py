"""What a pick costs."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.tabular.regret import Searches
from hpo.errors import ConfigError
from hpo.trust.regret import Regrets


@pytest.mark.parametrize("gap", [0.0, 0.01, 0.2])
def test_the_interval_holds_what_the_pick_really_loses(gap: float) -> None:
    rng, hits, n_studies = np.random.default_rng(int(gap * 100)), 0, 150
    for _ in range(n_studies):
        truth = 0.95 - gap * rng.random(12)
        measured = rng.binomial(400, truth) / 400
        pick = int(rng.integers(12))
        found = Regrets(dict(enumerate(measured.tolist())), 400).of([pick])
        hits += found.low <= 100 * (truth.max() - truth[pick]) + 1e-9 <= found.high + 2e-9
        assert found.low <= found.regret_points <= found.high
    assert hits >= 0.93 * n_studies


def test_it_is_the_regret_of_the_tabular_benchmark() -> None:
    rng = np.random.default_rng(4)
    accuracies, scores = rng.random(20), rng.integers(4, size=20).astype(float)
    competing = rng.random(20) < 0.6
    everyone = Searches(np.ones((1, 20), dtype=bool), accuracies, 0.0)
    field = Regrets(dict(enumerate(accuracies.tolist())), 500)
    first = np.flatnonzero(competing & (scores == scores[competing].max())).tolist()
    assert len(first) > 1
    assert field.of(first).regret_points == pytest.approx(everyone.regret(scores, competing).mean)
    blind = everyone.regret(np.zeros(20), competing).mean
    assert field.of_random(np.flatnonzero(competing).tolist()) == pytest.approx(blind)


def test_the_best_loses_nothing_and_may_still_not_be_the_best() -> None:
    pick = Regrets({0: 0.90, 1: 0.89}, 200).of([0])
    assert (pick.regret_points, pick.low, pick.tied) == (0.0, 0.0, True)
    assert pick.high > 1


def test_a_pick_far_below_is_no_tie() -> None:
    pick = Regrets({0: 0.90, 1: 0.5}, 200).of([1])
    assert pick.regret_points == pytest.approx(40)
    assert not pick.tied
    assert 30 < pick.low < 40 < pick.high < 50


def test_draws_depend_on_the_seed_alone() -> None:
    field = {0: 0.9, 1: 0.85}
    assert Regrets(field, 300).of([1]) == Regrets(field, 300).of([1])
    assert Regrets(field, 300, seed=1).of([1]).high != Regrets(field, 300).of([1]).high


@pytest.mark.parametrize("numbers", [[], [7], [0, 7]])
def test_only_probed_trials_can_be_judged(numbers: list[int]) -> None:
    with pytest.raises(ConfigError, match="numbers: got"):
        Regrets({0: 0.9}, 100).of(numbers)
