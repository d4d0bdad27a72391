"""The pure pruning decisions; successive halving: Li et al. 2020 (arXiv 1810.05934)."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.pruning import Direction, collapse_decision, halving_decision, rung_epochs
from objectives import CollapseReport, collapse_report

QUICK = settings(max_examples=150, deadline=None, derandomize=True)

finite = st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float)
undefined = st.sampled_from([math.nan, math.inf, -math.inf])
directions: st.SearchStrategy[Direction] = st.sampled_from(["maximize", "minimize"])
peer_lists = st.lists(finite, max_size=12)
factors = st.integers(2, 5)

ALIVE = CollapseReport(None, "", {})
DEAD = CollapseReport("constant", "the embeddings are all but equal: spread 0.01", {"spread": 0.01})


def verdict(
    value: float, peers: list[float], direction: Direction = "maximize", **changed: int
) -> Decision:
    return halving_decision(value, peers, direction=direction, epoch=6, **changed)


# Rungs


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


# Collapse


def test_two_living_layers_go_on() -> None:
    assert collapse_decision(ALIVE, ALIVE) == GO_ON


@pytest.mark.parametrize(
    ("backbone", "projector", "named"),
    [(DEAD, ALIVE, "backbone"), (ALIVE, DEAD, "projector"), (DEAD, DEAD, "backbone")],
)
def test_a_dead_layer_stops_with_its_evidence(
    backbone: CollapseReport, projector: CollapseReport, named: str
) -> None:
    assert collapse_decision(backbone, projector) == Decision(
        True, f"{named} collapsed, constant: {DEAD.reason}", "collapse"
    )


def test_a_real_report_stops() -> None:
    report = collapse_report(torch.full((8, 4), torch.nan))
    decision = collapse_decision(ALIVE, report)
    assert decision.stop
    assert "projector collapsed, not finite: 8 of 8" in decision.reason


# Halving


def test_the_top_third_goes_on() -> None:
    values = [float(v) for v in range(9)]
    stopped = [v for v in values if verdict(v, [p for p in values if p != v]).stop]
    assert stopped == [0, 1, 2, 3, 4, 5]
    assert verdict(5.0, [0, 1, 2, 3, 4, 6, 7, 8]) == Decision(
        True, "place 4 of 9 at epoch 6; the best 3 go on", "halving"
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
    assert up == verdict(-value, negated, "minimize", factor=factor, min_peers=min_peers)


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
