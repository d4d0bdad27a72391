"""The epochs at which trials are compared."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.pruning import rung_epochs

QUICK = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("n_epochs", "factor", "n_rungs", "expected"),
    [
        (54, 3, 3, [6, 18, 54]),
        (100, 3, 3, [12, 34, 100]),
        (16, 2, 4, [2, 4, 8, 16]),
        (1, 3, 3, [1]),
        (2, 3, 3, [1, 2]),
        (9, 3, 1, [9]),
        (7, 100, 2, [1, 7]),
        (5, 3, 2000, [1, 2, 5]),
    ],
)
def test_rungs(n_epochs: int, factor: int, n_rungs: int, expected: list[int]) -> None:
    assert rung_epochs(n_epochs, factor=factor, n_rungs=n_rungs) == expected


@QUICK
@given(
    n_epochs=st.integers(1, 10_000),
    factor=st.integers(2, 20),
    n_rungs=st.integers(1, 8) | st.just(2000),
)
def test_rungs_ascend_to_the_end(n_epochs: int, factor: int, n_rungs: int) -> None:
    rungs = rung_epochs(n_epochs, factor=factor, n_rungs=n_rungs)
    assert rungs == sorted(set(rungs))
    assert rungs[0] >= 1
    assert rungs[-1] == n_epochs
    assert 1 <= len(rungs) <= n_rungs
    # The rung below is the n_epochs / factor^level before it: within one epoch of a factor apart.
    assert all(factor * (low - 1) < high <= factor * low for low, high in pairwise(rungs))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_epochs": 0}, "epochs: got 0; wanted at least 1"),
        ({"n_epochs": -3}, "epochs: got -3"),
        ({"factor": 1}, "rung_factor: got 1; wanted at least 2"),
        ({"n_rungs": 0}, "n_rungs: got 0; wanted at least 1"),
    ],
)
def test_rungs_of_impossible_numbers(changed: dict[str, int], message: str) -> None:
    arguments = {"n_epochs": 9, "factor": 3, "n_rungs": 3} | changed
    with pytest.raises(ConfigError, match=message):
        rung_epochs(**arguments)
