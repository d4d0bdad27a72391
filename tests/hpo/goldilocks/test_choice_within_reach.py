"""The choice among probes that the labels cannot tell apart."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.goldilocks import Direction, choose
from tests.hpo.goldilocks.made import QUICK, candidate, directions, values


def test_among_probes_that_labels_cannot_tell_apart_the_objective_chooses() -> None:
    """√(.86 · .14 / 54) is 4.7 points: 50 labels tell 0.80 from 0.88, and not 0.84."""
    listed = [candidate(n, objective) for n, objective in enumerate((9.0, 5.0, 1.0))]
    known = {0: 0.80, 1: 0.84, 2: 0.88}
    choice = choose(
        listed, direction="maximize", objective="rankme", probe_accuracy=known, n_labelled=50
    )
    assert choice.number == 1
    assert choice.reason == (
        "highest rankme, 5, of 2 of the 3 probed that 50 labels cannot tell apart: linear probe "
        "0.840 cross-validated, the best 0.880 ± 0.048"
    )


@pytest.mark.parametrize(
    ("n_labelled", "number"), [(1, 0), (10, 0), (50, 1), (5_000, 2), (None, 2)]
)
def test_the_more_labels_the_more_the_probe_decides(n_labelled: int | None, number: int) -> None:
    listed = [candidate(n, objective) for n, objective in enumerate((9.0, 5.0, 1.0))]
    choice = choose(
        listed,
        direction="maximize",
        objective="rankme",
        probe_accuracy={0: 0.80, 1: 0.84, 2: 0.88},
        n_labelled=n_labelled,
    )
    assert choice.number == number
    if number == 2:
        assert choice.reason == "best linear probe of the 3 probed: 0.880 cross-validated accuracy"


def test_who_was_not_probed_is_not_chosen_however_few_the_labels() -> None:
    listed = [candidate(n, float(n)) for n in range(4)]
    known = {0: 0.5, 1: 0.6}
    choice = choose(listed, direction="maximize", objective="x", probe_accuracy=known, n_labelled=2)
    assert choice.number == 1
    assert "of the 2 probed that 2 labels cannot tell apart" in choice.reason
    alone = choose(listed, direction="maximize", objective="x", probe_accuracy=known, n_labelled=1)
    assert "that 1 label cannot tell apart" in alone.reason


@QUICK
@given(
    accuracies=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8),
    objectives=st.lists(values, min_size=8, max_size=8),
    direction=directions,
    n_labelled=st.integers(1, 10_000),
)
def test_the_choice_is_the_best_objective_within_one_standard_error_of_the_best_probe(
    accuracies: list[float], objectives: list[float], direction: Direction, n_labelled: int
) -> None:
    listed = [candidate(i, o) for i, o in enumerate(objectives)]
    choice = choose(
        listed,
        direction=direction,
        objective="x",
        probe_accuracy=dict(enumerate(accuracies)),
        n_labelled=n_labelled,
    )
    best = max(accuracies)
    rate = (best * n_labelled + 2) / (n_labelled + 4)
    error = math.sqrt(rate * (1 - rate) / (n_labelled + 4))
    sign = -1 if direction == "maximize" else 1
    reach = [n for n, own in enumerate(accuracies) if best - own <= error + 1e-12]
    surely = [n for n, own in enumerate(accuracies) if best - own <= error - 1e-12]
    assert choice.number in reach
    assert all(sign * objectives[choice.number] <= sign * objectives[n] for n in surely)
