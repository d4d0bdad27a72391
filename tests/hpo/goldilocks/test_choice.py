"""The choice among the shortlisted, and what the seeds cannot tell apart."""

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.goldilocks import Candidate, Direction, Run, choose, seed_spread
from tests.hpo.goldilocks.made import QUICK, candidate, directions, values

seed_values = st.lists(st.floats(-10.0, 10.0) | st.just(math.nan), min_size=1, max_size=4)


@QUICK
@given(objectives=st.lists(values, min_size=1, max_size=8), direction=directions)
def test_without_probes_the_objective_chooses(
    objectives: list[float], direction: Direction
) -> None:
    listed = [candidate(i, objective) for i, objective in enumerate(objectives)]
    best = max(objectives) if direction == "maximize" else min(objectives)
    no_probes: tuple[dict[int, float] | None, ...] = (None, {})
    for probes in no_probes:
        choice = choose(listed, direction=direction, objective="rankme", probe_accuracy=probes)
        # Ties: list.index gives the lowest number.
        assert choice.number == objectives.index(best)
        assert (choice.ties, choice.spread) == ((), None)
        assert "tie" not in choice.reason


@QUICK
@given(
    accuracies=st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=1, max_size=8),
    objectives=st.lists(values, min_size=8, max_size=8),
    direction=directions,
    data=st.data(),
)
def test_probes_win_over_the_objective(
    accuracies: list[float], objectives: list[float], direction: Direction, data: st.DataObject
) -> None:
    listed = data.draw(st.permutations([candidate(i, o) for i, o in enumerate(objectives)]))
    known = dict(enumerate(accuracies))
    choice = choose(listed, direction=direction, objective="rankme", probe_accuracy=known)
    equal = [n for n, accuracy in known.items() if accuracy == max(accuracies)]
    sign = -1 if direction == "maximize" else 1
    assert choice.number == min(equal, key=lambda n: (sign * objectives[n], n))


def test_the_reason_of_a_probed_choice() -> None:
    listed = [candidate(0, 9.0), candidate(1, 1.0), candidate(2, 5.0)]
    choice = choose(
        listed, direction="maximize", objective="rankme", probe_accuracy={0: 0.5, 1: 0.75}
    )
    assert choice.number == 1
    assert choice.reason == "best linear probe of the 2 probed: 0.750 cross-validated accuracy"


def test_probes_of_trials_that_are_not_listed_or_undefined_count_for_nothing() -> None:
    listed = [candidate(0, 1.0), candidate(1, 2.0)]
    known = {7: 0.9, 0: math.nan}
    choice = choose(listed, direction="maximize", objective="rankme", probe_accuracy=known)
    assert choice.number == 1
    assert choice.reason == "highest rankme of the 2 shortlisted: 2"


def test_the_reason_of_an_alpha_choice() -> None:
    listed = [candidate(3, 0.25), candidate(1, 0.5)]
    choice = choose(listed, direction="minimize", objective="alpha_req")
    assert (choice.number, choice.reason) == (3, "smallest |α - 1| of the 2 shortlisted: 0.25")


# Replicates


def as_runs(values: Mapping[int, Sequence[float]], *, probed: bool = False) -> dict[int, list[Run]]:
    """Runs by finalist whose objectives, or whose probes, are these."""
    return {
        number: [Run(0.0, value) if probed else Run(value) for value in own]
        for number, own in values.items()
    }


def test_means_that_labels_cannot_tell_apart_are_decided_by_the_mean_objective() -> None:
    runs = {
        0: [Run(1.0, 0.90), Run(1.0, 0.92)],
        1: [Run(1.0, 0.90), Run(4.0, 0.90)],
        2: [Run(9.0, 0.80), Run(9.0, 0.80)],
    }
    choice = choose(
        [candidate(number) for number in runs],
        direction="maximize",
        objective="rankme",
        probe_accuracy={number: own[0].accuracy for number, own in runs.items()},
        n_labelled=400,
        runs=runs,
    )
    assert choice.number == 1
    assert choice.reason == (
        "highest mean rankme, 2.5, of 2 of the 3 finalists that 400 labels cannot tell apart: "
        "mean linear probe 0.900 cross-validated, the best 0.910 ± 0.015; by the probe behind "
        "trial 0 by more than the seed spread ±0.008, but within the labels' error"
    )


@pytest.mark.parametrize(("direction", "number"), [("maximize", 1), ("minimize", 0)])
def test_means_within_reach_know_that_less_may_be_better(direction: Direction, number: int) -> None:
    runs = {
        0: [Run(1.0, 0.90), Run(1.0, 0.90)],
        1: [Run(2.0, 0.89), Run(2.0, 0.89)],
        2: [Run(0.0, 0.50), Run(9.0, 0.50)],
    }
    choice = choose(
        [candidate(n) for n in runs],
        direction=direction,
        objective="x",
        probe_accuracy={0: 0.90, 1: 0.89, 2: 0.50},
        n_labelled=400,
        runs=runs,
    )
    assert choice.number == number


@QUICK
@given(
    means=st.lists(st.floats(0.7, 1.0), min_size=2, max_size=5),
    objectives=st.lists(values, min_size=5, max_size=5),
    gap=st.floats(0.0, 0.05),
    n_labelled=st.integers(1, 10_000),
)
def test_what_is_said_of_the_other_finalists_is_true(
    means: list[float], objectives: list[float], gap: float, n_labelled: int
) -> None:
    runs = {
        n: [Run(objectives[n], mean - gap), Run(objectives[n], mean + gap)]
        for n, mean in enumerate(means)
    }
    choice = choose(
        [candidate(n, objectives[n]) for n in runs],
        direction="maximize",
        objective="x",
        probe_accuracy={n: own[0].accuracy for n, own in runs.items()},
        n_labelled=n_labelled,
        runs=runs,
    )
    assert choice.spread is not None
    further = {
        n: mean - means[choice.number]
        for n, mean in enumerate(means)
        if n != choice.number and abs(abs(mean - means[choice.number]) - choice.spread) > 1e-9
    }
    for n, distance in further.items():
        assert (n in choice.ties) == (abs(distance) <= choice.spread)
    if "ahead by more" in choice.reason:
        assert all(distance < -choice.spread for distance in further.values())
    if any(distance > choice.spread for distance in further.values()):
        assert "behind trial" in choice.reason
        assert "within the labels' error" in choice.reason


def test_the_mean_over_seeds_decides_and_not_the_luckiest_seed() -> None:
    listed = [candidate(i) for i in range(2)]
    seeds = {0: [0.90, 0.70, 0.71], 1: [0.80, 0.81, 0.79]}
    choice = choose(
        listed,
        direction="minimize",  # of the objective: accuracies are never minimised
        objective="ssl_loss",
        probe_accuracy={0: 0.90, 1: 0.80},
        runs=as_runs(seeds, probed=True),
    )
    assert choice.number == 1
    assert choice.spread == pytest.approx(seed_spread(seeds))
    assert "best mean linear probe of the 2 finalists (6 runs): 0.800" in choice.reason


def test_a_difference_inside_the_seed_spread_is_called_a_tie() -> None:
    listed = [candidate(number) for number in (1, 3, 7, 9)]
    seeds = {1: [0.812, 0.836], 3: [0.80, 0.83], 7: [0.811, 0.811], 9: [0.5, 0.5]}
    choice = choose(
        listed,
        direction="maximize",
        objective="rankme",
        probe_accuracy={number: own[0] for number, own in seeds.items()},
        runs=as_runs(seeds, probed=True),
    )
    assert (choice.number, choice.ties) == (1, (3, 7))
    assert choice.reason == (
        "best mean linear probe of the 4 finalists (8 runs): 0.824 cross-validated accuracy; "
        "tie with trials 3 and 7 inside the seed spread ±0.014"
    )


def test_a_difference_of_more_than_the_spread_is_no_tie() -> None:
    seeds = {0: [5.0, 5.2], 1: [6.0, 6.2], 2: [1.0]}
    listed = [candidate(number, own[0]) for number, own in seeds.items()]
    for direction, best in (("maximize", 1), ("minimize", 2)):
        choice = choose(listed, direction=direction, objective="rankme", runs=as_runs(seeds))  # type: ignore[arg-type]
        assert (choice.number, choice.ties) == (best, ())
        assert choice.spread == pytest.approx(math.sqrt(0.02))
        assert choice.reason.endswith("ahead by more than the seed spread ±0.14")


def test_one_finalist_is_ahead_of_nobody() -> None:
    choice = choose(
        [candidate(4)], direction="maximize", objective="x", runs=as_runs({4: [1.0, 3.0]})
    )
    assert choice.reason == "highest mean x of the 1 finalist (2 runs): 2; seed spread ±1.4"


def test_values_without_a_second_seed_change_nothing() -> None:
    listed = [candidate(0, 1.0), candidate(1, 2.0)]
    alone = choose(listed, direction="maximize", objective="rankme")
    single = {0: [1.0, math.nan], 1: [2.0]}
    assert choose(listed, direction="maximize", objective="rankme", runs=as_runs(single)) == alone


@QUICK
@given(
    seeds=st.dictionaries(st.integers(0, 9), seed_values, min_size=1, max_size=5),
    direction=directions,
)
def test_ties_are_exactly_those_inside_the_spread(
    seeds: dict[int, list[float]], direction: Direction
) -> None:
    listed = [candidate(number, 0.0) for number in seeds]
    choice = choose(listed, direction=direction, objective="x", runs=as_runs(seeds))
    finite = {n: [x for x in own if math.isfinite(x)] for n, own in seeds.items()}
    spread = seed_spread({n: own for n, own in finite.items() if own})
    assert choice.spread == spread
    if spread is None:
        assert choice.ties == ()
        return
    means = {n: math.fsum(own) / len(own) for n, own in finite.items() if own}
    sign = 1 if direction == "maximize" else -1
    assert sign * means[choice.number] >= max(sign * m for m in means.values()) - 1e-9
    for number, mean in means.items():
        if number != choice.number and abs(abs(mean - means[choice.number]) - spread) > 1e-9:
            inside = abs(mean - means[choice.number]) <= spread
            assert (number in choice.ties) == inside
    assert ("tie with" in choice.reason) == bool(choice.ties)


def test_nobody_to_choose_from_is_refused() -> None:
    nobody: list[Candidate] = []
    with pytest.raises(ConfigError, match="listed: got no candidate"):
        choose(nobody, direction="maximize", objective="rankme")
