"""Who is repeated under other seeds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.goldilocks import Direction, choose, finalists
from tests.hpo.goldilocks.made import QUICK, candidate, directions, values


@QUICK
@given(
    accuracies=st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=1, max_size=8),
    objectives=st.lists(values, min_size=8, max_size=8),
    direction=directions,
    n_labelled=st.none() | st.integers(1, 1000),
)
def test_the_first_finalist_is_whom_one_run_each_would_choose(
    accuracies: list[float],
    objectives: list[float],
    direction: Direction,
    n_labelled: int | None,
) -> None:
    listed = [candidate(i, o) for i, o in enumerate(objectives)]
    known = dict(enumerate(accuracies))
    best = finalists(listed, known, n=3, direction=direction, n_labelled=n_labelled)
    choice = choose(
        listed, direction=direction, objective="x", probe_accuracy=known, n_labelled=n_labelled
    )
    assert best[0] == choice.number
    assert len(best) == min(3, len(accuracies))
    if n_labelled is None:
        assert [known[n] for n in best] == sorted(accuracies, reverse=True)[:3]


def test_behind_those_in_reach_the_probe_decides() -> None:
    listed = [candidate(n, objective) for n, objective in enumerate((1.0, 2.0, 9.0, 8.0))]
    known = {0: 0.90, 1: 0.89, 2: 0.5, 3: 0.6}
    found = finalists(listed, known, n=4, direction="maximize", n_labelled=400)
    assert found == (1, 0, 3, 2)


def test_without_a_probe_that_counts_the_objective_decides() -> None:
    listed = [candidate(0, 1.0), candidate(1, 2.0)]
    unknown = {7: 0.9, 0: math.nan}
    assert finalists(listed, unknown, n=2, direction="maximize", n_labelled=9) == (1, 0)


def test_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="finalists: got 0"):
        finalists([], {}, n=0, direction="maximize")
