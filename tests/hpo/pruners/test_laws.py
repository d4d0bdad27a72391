"""What holds of every pruner, whatever trials report."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.pruners import BasePruner

from hpo.decision import Decision
from hpo.history import Finding
from hpo.pruners import (
    CollapsePruner,
    CombinedPruner,
    GoldilocksPruner,
    HalvingPruner,
    read_history,
    reading_of,
    report_rung,
)
from hpo.pruners.rule_pruner import DecidingPruner, RulePruner
from hpo.pruning import GOLDILOCKS, FirstStop
from tests.hpo.pruners.studies import DEAD, Direction, in_memory

SLOW = settings(max_examples=60, deadline=None, derandomize=True)

RULES = (
    CollapsePruner(),
    GoldilocksPruner(zone=GOLDILOCKS, measure="alpha_req", share=0.5, min_peers=1),
    HalvingPruner(min_peers=1),
)
BY_EACH = pytest.mark.parametrize(
    "pruner", [*RULES, CombinedPruner(RULES)], ids=lambda pruner: type(pruner).__name__
)
directions: st.SearchStrategy[Direction] = st.sampled_from(["maximize", "minimize"])

Trial = tuple[list[tuple[int, float, float]], Finding | None]
values = st.floats(-100, 100) | st.sampled_from([0.5, 1.0, 2.0])
any_values = values | st.sampled_from([math.nan, math.inf, -math.inf])
epochs = st.sampled_from([2, 6, 18])


def trials(value: st.SearchStrategy[float]) -> st.SearchStrategy[Trial]:
    """What a trial reports, (epoch, objective, α), and what is found at its last epoch."""
    rungs = st.lists(
        st.tuples(epochs, value, value), min_size=1, max_size=3, unique_by=lambda rung: rung[0]
    )
    return st.tuples(rungs.map(sorted), st.sampled_from([None, None, None, DEAD]))


many_trials = st.lists(trials(any_values), min_size=1, max_size=6)


def verdicts(pruner: BasePruner, direction: Direction, told: list[Trial]) -> list[Decision]:
    """Report all trials, then judge each of them."""
    assert isinstance(pruner, DecidingPruner)
    study = in_memory(pruner, direction)
    for rungs, finding in told:
        trial = study.ask()
        for epoch, objective, alpha in rungs:
            last = epoch == rungs[-1][0]
            report_rung(trial, epoch, objective, {"alpha_req": alpha}, finding if last else None)
    return [pruner.decide(study, trial) for trial in study.get_trials(deepcopy=False)]


@BY_EACH
@SLOW
@given(told=many_trials, bad=st.sampled_from([math.nan, math.inf, -math.inf]), direction=directions)
def test_a_trial_without_finite_values_never_changes_anothers_verdict(
    pruner: BasePruner, told: list[Trial], bad: float, direction: Direction
) -> None:
    undefined: Trial = ([(epoch, bad, bad) for epoch in (2, 6, 18)], None)
    expected = verdicts(pruner, direction, told)
    assert verdicts(pruner, direction, [*told, undefined, undefined])[: len(told)] == expected


@BY_EACH
@SLOW
@given(told=many_trials, direction=directions, order=st.randoms(use_true_random=False))
def test_the_order_of_the_trials_does_not_matter(
    pruner: BasePruner, told: list[Trial], direction: Direction, order: object
) -> None:
    places = list(range(len(told)))
    order.shuffle(places)  # type: ignore[attr-defined]
    expected = verdicts(pruner, direction, told)
    shuffled = verdicts(pruner, direction, [told[place] for place in places])
    assert shuffled == [expected[place] for place in places]


@SLOW
@given(told=many_trials, direction=directions)
def test_a_combination_stops_by_the_first_of_its_pruners_that_stops(
    told: list[Trial], direction: Direction
) -> None:
    alone = [verdicts(pruner, direction, told) for pruner in RULES]
    combined = verdicts(CombinedPruner(RULES), direction, told)
    for number, decision in enumerate(combined):
        stops = [by_one[number] for by_one in alone if by_one[number].stop]
        assert decision.stop is bool(stops)
        if stops:
            assert decision == stops[0]


@SLOW
@given(told=many_trials, direction=directions)
def test_a_pruner_judges_as_its_rule_does_by_the_whole_history(
    told: list[Trial], direction: Direction
) -> None:
    study = in_memory(CombinedPruner(RULES), direction)
    for rungs, _ in told:
        trial = study.ask()
        for epoch, objective, alpha in rungs:
            report_rung(trial, epoch, objective, {"alpha_req": alpha})
    rules = FirstStop(tuple(p.rule(study) for p in RULES if isinstance(p, RulePruner)))
    history = read_history(study)
    assert isinstance(study.pruner, DecidingPruner)
    for one in study.get_trials(deepcopy=False):
        reading = reading_of(one)
        assert reading is not None
        assert study.pruner.decide(study, one) == rules.decide(reading, history)
