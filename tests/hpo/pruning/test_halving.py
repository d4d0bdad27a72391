"""Successive halving at equal epochs: Li et al. 2020 (arXiv 1810.05934)."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import Finding, History, Reading
from hpo.pruning import Direction, HalvingRule, halving_decision

QUICK = settings(max_examples=150, deadline=None, derandomize=True)

finite = st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float)
undefined = st.sampled_from([math.nan, math.inf, -math.inf])
directions: st.SearchStrategy[Direction] = st.sampled_from(["maximize", "minimize"])
peer_lists = st.lists(finite, max_size=12)
factors = st.integers(2, 5)


def verdict(
    value: float, peers: list[float], direction: Direction = "maximize", **changed: int
) -> Decision:
    return halving_decision(value, peers, direction=direction, epoch=6, **changed)


def test_the_top_third_goes_on() -> None:
    values = [float(v) for v in range(9)]
    stopped = [v for v in values if verdict(v, [p for p in values if p != v]).stop]
    assert stopped == [0, 1, 2, 3, 4, 5]
    assert verdict(5.0, [0, 1, 2, 3, 4, 6, 7, 8]) == Decision(
        True,
        "place 4 of 9 at epoch 6; the best 3 go on",
        "halving",
        {"value": 5.0, "place": 4, "n": 9},
    )


@QUICK
@given(value=finite, peers=peer_lists, bad=st.lists(undefined, max_size=8), direction=directions)
def test_an_undefined_peer_never_changes_a_verdict(
    value: float, peers: list[float], bad: list[float], direction: Direction
) -> None:
    mixed = bad[::2] + peers + bad[1::2]
    assert verdict(value, mixed, direction) == verdict(value, peers, direction)


@QUICK
@given(peers=st.lists(finite, min_size=1, max_size=12), direction=directions, factor=factors)
def test_the_best_of_all_is_never_stopped(
    peers: list[float], direction: Direction, factor: int
) -> None:
    best = max(peers) if direction == "maximize" else min(peers)
    assert verdict(best, peers, direction, factor=factor, min_peers=0) == GO_ON


@QUICK
@given(value=finite | undefined, peers=peer_lists, more=st.integers(1, 5), direction=directions)
def test_too_few_peers_stop_nobody(
    value: float, peers: list[float], more: int, direction: Direction
) -> None:
    assert verdict(value, peers, direction, min_peers=len(peers) + more) == GO_ON


@QUICK
@given(value=finite, n_peers=st.integers(0, 12), direction=directions, factor=factors)
def test_ties_go_on(value: float, n_peers: int, direction: Direction, factor: int) -> None:
    assert verdict(value, [value] * n_peers, direction, factor=factor, min_peers=0) == GO_ON


@QUICK
@given(value=finite | undefined, peers=peer_lists, factor=factors, min_peers=st.integers(0, 5))
def test_the_directions_mirror_each_other(
    value: float, peers: list[float], factor: int, min_peers: int
) -> None:
    up = verdict(value, peers, "maximize", factor=factor, min_peers=min_peers)
    negated = [-peer for peer in peers]
    down = verdict(-value, negated, "minimize", factor=factor, min_peers=min_peers)
    assert (up.stop, up.reason) == (down.stop, down.reason)


@QUICK
@given(values=st.lists(finite, min_size=4, max_size=15, unique=True), factor=factors)
def test_as_many_are_kept_as_promised(values: list[float], factor: int) -> None:
    kept = [
        value
        for i, value in enumerate(values)
        if not verdict(value, values[:i] + values[i + 1 :], factor=factor).stop
    ]
    assert sorted(kept) == sorted(values)[-math.ceil(len(values) / factor) :]


@QUICK
@given(worse=finite, better=finite, peers=peer_lists, direction=directions)
def test_who_is_better_is_never_stopped_where_who_is_worse_goes_on(
    worse: float, better: float, peers: list[float], direction: Direction
) -> None:
    ascending = sorted((worse, better), reverse=direction == "minimize")
    stops = [verdict(value, peers, direction).stop for value in ascending]
    assert stops != [False, True]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_undefined_value_is_behind_everybody(value: float, direction: Direction) -> None:
    decision = verdict(value, [1.0, 2.0, 3.0], direction)
    assert decision.stop
    assert decision.reason.startswith("place 4 of 4")


def test_no_peers_at_all() -> None:
    assert verdict(1.0, []) == GO_ON
    assert verdict(1.0, [], min_peers=0) == GO_ON


@pytest.mark.parametrize(("min_peers", "stop"), [(3, True), (4, False)])
def test_the_least_number_of_peers_counts_only_finite_ones(min_peers: int, stop: bool) -> None:
    peers = [3.0, 4.0, 5.0, math.nan]
    assert verdict(1.0, peers, min_peers=min_peers).stop is stop


# The rule


def reading(trial: int, value: float, epoch: int = 6, **values: float) -> Reading:
    return Reading(trial, epoch, value, values)


def rule(direction: Direction = "maximize", **changed: int | str | None) -> HalvingRule:
    return HalvingRule(direction, **changed)  # type: ignore[arg-type]


FOUR = tuple(reading(number, float(number)) for number in range(4))


def test_the_rule_is_the_decision_on_the_peers_at_the_epoch() -> None:
    history = History((*FOUR, reading(9, -100.0, epoch=3)))
    expected = verdict(0.0, [1.0, 2.0, 3.0])
    assert expected.stop
    assert rule().decide(FOUR[0], history) == expected


def test_the_dead_are_no_peers() -> None:
    seen_dead = Reading(8, 6, 100.0, finding=Finding("constant", "backbone", "dead"))
    history = History((*FOUR, reading(7, 100.0), seen_dead), collapsed=frozenset({7}))
    assert not rule().decide(FOUR[2], history).stop
    assert rule().decide(FOUR[2], History((*FOUR, reading(7, 100.0), reading(8, 100.0)))).stop


def test_a_measure_of_ones_own_is_compared_instead_of_the_reported_value() -> None:
    readings = tuple(reading(number, float(number), loss=10.0 + number) for number in range(4))
    by_loss = rule("minimize", measure="loss")
    assert [by_loss.decide(r, History(readings)).stop for r in readings] == [
        False,
        False,
        True,
        True,
    ]
    assert [rule().decide(r, History(readings)).stop for r in readings] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("changed", "stop"),
    [
        ({"last_epoch": 6}, False),
        ({"last_epoch": 5}, False),
        ({"last_epoch": 7}, True),
        ({"n_warmup_steps": 7}, False),
        ({"n_warmup_steps": 6}, True),
        ({"interval_steps": 4}, False),
        ({"interval_steps": 3}, True),
    ],
)
def test_warm_up_interval_and_end(changed: dict[str, int], stop: bool) -> None:
    history = History((*FOUR, reading(0, 0.0, epoch=5)))
    assert rule(**changed).decide(FOUR[0], history).stop is stop


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"direction": "up"}, "direction: got 'up'; wanted maximize or minimize"),
        ({"factor": 1}, "factor: got 1; wanted at least 2"),
        ({"min_peers": -1}, "min_peers: got -1; wanted at least 0"),
        ({"n_warmup_steps": -1}, "n_warmup_steps: got -1"),
        ({"interval_steps": 0}, "interval_steps: got 0; wanted at least 1"),
    ],
)
def test_impossible_arguments(changed: dict[str, int | str], message: str) -> None:
    arguments = {"direction": "maximize", **changed}
    with pytest.raises(ConfigError, match=message):
        HalvingRule(**arguments)  # type: ignore[arg-type]


def test_evidence_that_is_not_finite_is_a_word() -> None:
    """nan is not equal to itself, and JSON has none: a replay could not compare it."""
    assert verdict(math.nan, [1.0, 2.0, 3.0]).evidence["value"] == "nan"
    assert verdict(math.nan, [1.0, 2.0, 3.0]) == verdict(float("nan"), [1.0, 2.0, 3.0])
