"""The finalists, the choice among them, and what the seeds cannot tell apart."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.goldilocks import Candidate, Direction, choose, finalists, seed_spread
from tests.hpo.goldilocks.made import QUICK, candidate, directions, values

runs = st.lists(st.floats(-10.0, 10.0) | st.just(math.nan), min_size=1, max_size=4)


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
    assert choice.number == accuracies.index(max(accuracies))
    best = finalists(listed, known, n=3, direction=direction)
    assert best[0] == choice.number
    assert len(best) == min(3, len(accuracies))
    assert [known[n] for n in best] == sorted(accuracies, reverse=True)[:3]


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
    assert finalists(listed, known, n=2, direction="maximize") == (1, 0)


def test_the_reason_of_an_alpha_choice() -> None:
    listed = [candidate(3, 0.25), candidate(1, 0.5)]
    choice = choose(listed, direction="minimize", objective="alpha_req")
    assert (choice.number, choice.reason) == (3, "smallest |α - 1| of the 2 shortlisted: 0.25")


# Replicates


def test_the_mean_over_seeds_decides_and_not_the_luckiest_seed() -> None:
    listed = [candidate(i) for i in range(2)]
    seeds = {0: [0.90, 0.70, 0.71], 1: [0.80, 0.81, 0.79]}
    choice = choose(
        listed,
        direction="minimize",  # of the objective: accuracies are never minimised
        objective="ssl_loss",
        probe_accuracy={0: 0.90, 1: 0.80},
        values=seeds,
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
        values=seeds,
    )
    assert (choice.number, choice.ties) == (1, (3, 7))
    assert choice.reason == (
        "best mean linear probe of the 4 finalists (8 runs): 0.824 cross-validated accuracy; "
        "tie with trials 3, 7 inside the seed spread ±0.014"
    )


def test_a_difference_of_more_than_the_spread_is_no_tie() -> None:
    seeds = {0: [5.0, 5.2], 1: [6.0, 6.2], 2: [1.0]}
    listed = [candidate(number, own[0]) for number, own in seeds.items()]
    for direction, best in (("maximize", 1), ("minimize", 2)):
        choice = choose(listed, direction=direction, objective="rankme", values=seeds)  # type: ignore[arg-type]
        assert (choice.number, choice.ties) == (best, ())
        assert choice.spread == pytest.approx(math.sqrt(0.02))
        assert choice.reason.endswith("ahead by more than the seed spread ±0.14")


def test_one_finalist_is_ahead_of_nobody() -> None:
    choice = choose([candidate(4)], direction="maximize", objective="x", values={4: [1.0, 3.0]})
    assert choice.reason == "highest mean x of the 1 finalist (2 runs): 2; seed spread ±1.4"


def test_values_without_a_second_seed_change_nothing() -> None:
    listed = [candidate(0, 1.0), candidate(1, 2.0)]
    alone = choose(listed, direction="maximize", objective="rankme")
    single = {0: [1.0, math.nan], 1: [2.0]}
    assert choose(listed, direction="maximize", objective="rankme", values=single) == alone


@QUICK
@given(seeds=st.dictionaries(st.integers(0, 9), runs, min_size=1, max_size=5), direction=directions)
def test_ties_are_exactly_those_inside_the_spread(
    seeds: dict[int, list[float]], direction: Direction
) -> None:
    listed = [candidate(number, 0.0) for number in seeds]
    choice = choose(listed, direction=direction, objective="x", values=seeds)
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


def test_the_spread_is_pooled_over_configurations() -> None:
    """Against the definition of a two-group pooled variance, with other numbers of seeds."""
    one, other = [1.0, 2.0, 4.0], [10.0, 10.5]

    def variance(own: list[float]) -> float:
        pairs = itertools.product(own, own)
        return sum((a - b) ** 2 for a, b in pairs) / (2 * len(own) * (len(own) - 1))

    pooled = (2 * variance(one) + 1 * variance(other)) / 3
    assert seed_spread({0: one, 1: other, 2: [99.0]}) == pytest.approx(math.sqrt(pooled))
    assert seed_spread({0: [1.0], 1: [2.0]}) is None
    assert seed_spread({}) is None


def test_nobody_to_choose_from_is_refused() -> None:
    nobody: list[Candidate] = []
    with pytest.raises(ConfigError, match="listed: got no candidate"):
        choose(nobody, direction="maximize", objective="rankme")
    with pytest.raises(ConfigError, match="finalists: got 0"):
        finalists(nobody, {}, n=0, direction="maximize")
