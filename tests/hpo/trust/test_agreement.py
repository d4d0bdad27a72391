"""Measures against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.trust.agreement import agreement
from hpo.trust.ranking import tau_and_rho

values = st.one_of(st.integers(0, 4).map(float), st.just(float("nan")))


@given(st.lists(st.tuples(values, values, values), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_each_pair_is_correlated_over_the_trials_that_have_both(
    rows: list[tuple[float, float, float]],
) -> None:
    columns = dict(zip("abc", np.array(rows).T, strict=True))
    found = agreement(columns)
    for i, x in enumerate(columns.values()):
        for j, y in enumerate(columns.values()):
            wanted = tau_and_rho(x, y, n_resamples=0)[0].value
            if np.isnan(wanted):
                assert found.tau[i][j] is None
            else:
                assert found.tau[i][j] == pytest.approx(wanted)


def test_others_are_listed_by_how_far_they_agree() -> None:
    order = np.arange(5.0)
    scores = {"a": order, "b": -order, "c": order**3, "d": np.ones(5)}
    assert agreement(scores).of("a") == {"c": 1.0, "b": -1.0}
    assert agreement(scores).n == 5


def test_no_trials_and_no_measures() -> None:
    assert agreement({"a": np.array([])}).tau == ((None,),)
    assert agreement({}).tau == ()
