"""Which accuracies cannot be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.trust.noise import subset_factor, tie_band


@pytest.mark.parametrize("n_trials", [2, 15])
def test_the_best_is_in_the_band_in_95_of_100_studies(n_trials: int) -> None:
    """Also where all are equally good, the hardest case, and the first is the best by a name."""
    rights = np.random.default_rng(1).binomial(1000, 0.8, size=(600, n_trials)) / 1000
    held = sum(0 in tie_band(dict(enumerate(study)), 1000).numbers for study in rights.tolist())
    assert 0.925 < held / 600 < 0.975


@pytest.mark.parametrize("n_trials", [2, 5, 60])
def test_the_factor_is_that_of_the_luckiest_of_many(n_trials: int) -> None:
    z = np.random.default_rng(0).standard_normal((40_000, n_trials))
    drawn = np.quantile(z.max(axis=1) - z[:, 0], 0.95)
    assert subset_factor(n_trials) == pytest.approx(drawn, abs=0.05)


def test_the_band_is_as_wide_as_said() -> None:
    """On either side of its end a trial is tied, and is not."""
    width = tie_band({0: 0.95, 1: 0.5}, 500).width_points / 100
    assert tie_band({0: 0.95, 1: 0.95 - width + 1e-4}, 500).tied == (1,)
    assert tie_band({0: 0.95, 1: 0.95 - width - 1e-4}, 500).tied == ()
    assert tie_band({0: 0.95, 1: 0.5}, 50_000).width_points < 0.5
    assert tie_band({0: 0.95}, 500).width_points == pytest.approx(0.0, abs=1e-3)


def test_seeds_widen_the_band() -> None:
    accuracies = {3: 0.95, 4: 0.90}
    assert tie_band(accuracies, 1000).tied == ()
    wide = tie_band(accuracies, 1000, seed_spread=0.02)
    assert (wide.tied, wide.seed_points) == ((4,), 2.0)


def test_the_best_are_all_that_share_the_highest() -> None:
    band = tie_band({7: 0.9, 2: 0.9, 5: 0.895, 1: 0.1}, 1000)
    assert (band.best, band.tied, band.n_trials) == ((2, 7), (5,), 4)
    assert band.numbers == {2, 5, 7}
    assert not band.everyone
    assert tie_band({0: 0.9}, 100).everyone
