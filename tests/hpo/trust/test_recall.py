"""Top-k recall against all ways to break ties."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.trust.recall import top_recalls

few = st.integers(0, 2).map(float)


def tops(values: np.ndarray, k: int) -> list[set[int]]:
    """The first k of every order that is sorted by value: one for each way to break ties."""
    orders = permutations(range(len(values)))
    falling = [o for o in orders if all(values[a] >= values[b] for a, b in pairwise(o))]
    return [set(order[:k]) for order in falling]


@given(st.lists(st.tuples(few, few), min_size=2, max_size=5), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_it_is_the_mean_over_all_ways_to_break_ties(
    found: list[tuple[float, float]], k: int
) -> None:
    scores, accuracies = np.array(found).T
    if k >= len(scores):
        assert top_recalls(scores, accuracies, (k,)) == ()
        return
    every = [len(a & b) / k for a in tops(scores, k) for b in tops(accuracies, k)]
    (recall,) = top_recalls(scores, accuracies, (k,))
    assert recall.share == pytest.approx(np.mean(every))


@pytest.mark.parametrize("k", [1, 3])
def test_chance_is_what_all_orders_get_on_average(k: int) -> None:
    accuracies = np.arange(5.0)
    shares = [
        top_recalls(np.array(order, dtype=float), accuracies, (k,))[0]
        for order in permutations(range(5))
    ]
    assert np.mean([r.share for r in shares]) == pytest.approx(shares[0].chance)


def test_what_has_no_score_is_never_found() -> None:
    accuracies = np.array([0.9, 0.8, 0.7, 0.6])
    scores = np.array([np.nan, 2.0, 1.0, np.nan])
    assert [r.share for r in top_recalls(scores, accuracies, (1, 3))] == [0.0, pytest.approx(2 / 3)]
    assert top_recalls(np.full(4, np.nan), accuracies, (1,))[0].share == 0.0
