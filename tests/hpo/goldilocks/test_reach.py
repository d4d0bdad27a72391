"""Who is within one standard error of the best probe."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.goldilocks import reach_of
from tests.hpo.goldilocks.made import QUICK

accuracies = st.dictionaries(st.integers(0, 20), st.floats(0.0, 1.0), min_size=1, max_size=8)


def test_the_error_is_that_of_the_best_on_so_many_images() -> None:
    """96 images and four more at a rate of .9: √(.9 · .1 / 100) = .03."""
    found = reach_of({0: 88 / 96, 1: 88 / 96 - 0.0299, 2: 88 / 96 - 0.0301}, 96)
    assert found.error == pytest.approx(0.03)
    assert (found.best, found.numbers) == (88 / 96, {0, 1})


@QUICK
@given(accuracies=accuracies, n_labelled=st.none() | st.integers(1, 100_000))
def test_the_best_are_always_in_reach(accuracies: dict[int, float], n_labelled: int | None) -> None:
    found = reach_of(accuracies, n_labelled)
    best = {n for n, own in accuracies.items() if own == max(accuracies.values())}
    assert best <= found.numbers <= set(accuracies)
    if n_labelled is None:
        assert (found.numbers, found.error) == (best, 0.0)


@QUICK
@given(accuracies=accuracies, n_labelled=st.integers(1, 10_000))
def test_four_times_the_labels_reach_about_half_as_far(
    accuracies: dict[int, float], n_labelled: int
) -> None:
    few, many = reach_of(accuracies, n_labelled), reach_of(accuracies, 4 * n_labelled)
    assert many.numbers <= few.numbers
    assert many.error < few.error
    if n_labelled > 1000 and 0.05 < few.best < 0.95:
        assert many.error == pytest.approx(few.error / 2, rel=0.02)


def test_all_right_on_a_few_images_is_not_certain() -> None:
    assert reach_of({0: 1.0, 1: 0.95}, 20).numbers == {0, 1}
    assert math.isclose(reach_of({0: 1.0}, 20).error, math.sqrt(22 / 24 * 2 / 24 / 24))


def test_no_images_are_refused() -> None:
    with pytest.raises(ConfigError, match="n_labelled: got 0; wanted at least 1"):
        reach_of({0: 0.5}, 0)
