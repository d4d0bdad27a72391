"""What the budget allows: going on, a way to the next rung, a trial, a replicate, probes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.budget import UNITS, Budget, Limits, Spend, Unit
from hpo.decision import GO_ON
from hpo.errors import BudgetError

QUICK = settings(max_examples=200, deadline=None, derandomize=True)
AMOUNTS = st.floats(0.0, 2e3)
SPENDS = st.builds(Spend, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, st.floats(0.0, 200.0))
LIMITS = st.dictionaries(st.sampled_from(UNITS), st.floats(1.0, 1e3), min_size=1)


def test_without_a_limit_nothing_stops() -> None:
    budget, much = Budget(None), Spend(1e12, 1e12, 1e12, 1e12)
    assert budget.search_decision(much) == budget.total_decision(much) == GO_ON
    assert budget.claim_decision(much, much) == GO_ON
    assert budget.next_trial_decision(much, much, much, True) == GO_ON
    assert budget.replicate_decision(much, much) == GO_ON
    assert budget.probes_affordable(much, 1.0) is None
    assert budget.shortfall(much, much) == ""


@pytest.mark.parametrize(
    ("spent", "stop"),
    [(0.0, False), (math.nextafter(75, 0), False), (75.0, True), (76.0, True), (1e9, True)],
)
@pytest.mark.parametrize("unit", ["wall_seconds", "device_seconds"])
def test_the_search_ends_when_its_part_of_the_time_is_spent(
    unit: Unit, spent: float, stop: bool
) -> None:
    budget = Budget(Limits(**{unit: 100.0}), 0.25)
    decision = budget.search_decision(Spend(**{unit: spent}))
    assert decision.stop is stop
    assert decision.kind == ("budget" if stop else "")
    assert budget.total_decision(Spend(**{unit: spent})).stop is (spent > 100)


def test_the_reason_has_both_figures_and_so_has_the_evidence() -> None:
    decision = Budget(4000.0, 0.1).search_decision(Spend(wall_seconds=3660.0))
    assert decision.reason == "the search's part of the budget is spent: 1h 01m of 1h 00m"
    assert decision.evidence == {"unit": "wall_seconds", "spent": 3660.0, "allowed": 3600.0}
    decision = Budget(4000.0).total_decision(Spend(wall_seconds=4200.0))
    assert decision.reason == "the budget is spent: 1h 10m of 1h 06m"


def test_epochs_that_were_claimed_do_not_end_the_rung_they_were_claimed_for() -> None:
    budget = Budget(Limits(epochs=54.0, images=1e4))
    assert not budget.search_decision(Spend(epochs=54.0, images=1e4)).stop
    assert budget.next_trial_decision(Spend(epochs=54.0)).stop


def test_probes_in_the_middle_of_the_search_cost_it_nothing() -> None:
    budget = Budget(100.0, 0.1)
    assert budget.search_decision(Spend(wall_seconds=93.0)).stop
    assert not budget.search_decision(Spend(wall_seconds=93.0, probe_seconds=4.0)).stop
    assert budget.search_decision(Spend(wall_seconds=94.0, probe_seconds=4.0)).stop
    # Probes that took more than their reserve do cost it something: the whole is the whole.
    assert budget.search_decision(Spend(wall_seconds=100.0, probe_seconds=50.0)).stop


@pytest.mark.parametrize(
    ("spent", "cost", "stop"),
    [(0.0, 54.0, False), (0.0, 55.0, True), (48.0, 6.0, False), (49.0, 6.0, True)],
)
@pytest.mark.parametrize("unit", ["epochs", "images"])
def test_a_way_to_the_next_rung_that_would_exceed_the_budget_is_refused(
    unit: Unit, spent: float, cost: float, stop: bool
) -> None:
    budget = Budget(Limits(**{unit: 54.0}))
    assert budget.claim_decision(Spend(**{unit: spent}), Spend(**{unit: cost})).stop is stop


def test_of_time_what_is_spent_counts_and_not_what_the_rung_will_take() -> None:
    budget = Budget(100.0, 0.1)
    assert not budget.claim_decision(Spend(wall_seconds=89.0), Spend(wall_seconds=1e3)).stop
    assert budget.claim_decision(Spend(wall_seconds=90.0), Spend()).stop
    assert not budget.claim_decision(Spend(wall_seconds=90.0), Spend(), replicate=True).stop


def test_replicates_may_use_what_is_set_aside_for_them() -> None:
    budget = Budget(Limits(epochs=1000.0), whole=Spend(epochs=54.0))
    spend, cost = Spend(epochs=890.0), Spend(epochs=36.0)
    refused = budget.claim_decision(spend, cost)
    assert refused.reason == (
        "10 epochs left of the search's part of the budget; the way to the next rung takes "
        "36 epochs"
    )
    assert not budget.claim_decision(spend, cost, replicate=True).stop
    assert not budget.replicate_decision(spend, Spend(epochs=54.0)).stop
    assert budget.replicate_decision(Spend(epochs=950.0), Spend(epochs=54.0)).stop
    assert budget.replicate_decision(Spend(epochs=1000.0), Spend()).stop


@pytest.mark.parametrize(
    ("spent", "first_rung", "stop"),
    [
        (0.0, None, False),
        (74.0, None, False),
        (75.0, None, True),
        (0.0, 75.0, False),
        (0.0, 75.5, True),
        (50.0, 25.0, False),
        (50.0, 25.5, True),
        (75.0, 0.0, True),
    ],
)
def test_a_new_trial_must_be_able_to_reach_its_first_rung(
    spent: float, first_rung: float | None, stop: bool
) -> None:
    first = None if first_rung is None else Spend(wall_seconds=first_rung)
    decision = Budget(100.0, 0.25).next_trial_decision(Spend(wall_seconds=spent), first)
    assert decision.stop is stop
    assert decision.kind == ("budget" if stop else "")


def test_the_reason_says_what_is_left_and_what_is_needed() -> None:
    decision = Budget(100.0, 0.25).next_trial_decision(
        Spend(wall_seconds=50.0), Spend(wall_seconds=30.0)
    )
    assert decision.reason == "25s left of the search's part of the budget; a first rung takes 30s"


def test_once_one_has_finished_no_trial_starts_that_cannot_finish() -> None:
    budget, spend = Budget(Limits(epochs=100.0)), Spend(epochs=54.0)
    first, whole = Spend(epochs=6.0), Spend(epochs=54.0)
    assert not budget.next_trial_decision(spend, first, whole, False).stop
    assert not budget.next_trial_decision(Spend(epochs=46.0), first, whole, True).stop
    decision = budget.next_trial_decision(spend, first, whole, True)
    assert decision.stop
    assert decision.reason == (
        "46 epochs left of the search's part of the budget; a whole trial takes 54 epochs, so "
        "that what is left is for probes and replicates"
    )


@pytest.mark.parametrize(
    ("spend", "n"),
    [
        (Spend(), 10),
        (Spend(wall_seconds=90.0), 10),
        (Spend(wall_seconds=90.0, probe_seconds=3.0), 7),
        (Spend(wall_seconds=95.5), 4),
        (Spend(wall_seconds=120.0), 0),
        (Spend(probe_seconds=11.0), 0),
    ],
)
def test_as_many_probes_as_fit_into_what_is_left_of_their_reserve(spend: Spend, n: int) -> None:
    assert Budget(100.0, 0.1).probes_affordable(spend, 1.0) == n


def test_probes_are_counted_where_they_are_scarcest_and_must_take_time() -> None:
    both = Budget(Limits(wall_seconds=100.0, device_seconds=50.0, epochs=1.0))
    assert both.probes_affordable(Spend(), 1.0) == 5
    assert Budget(Limits(epochs=10.0)).probes_affordable(Spend(), 1.0) is None
    with pytest.raises(BudgetError, match=r"probe_seconds: got 0"):
        both.probes_affordable(Spend(), 0.0)


def test_a_shortfall_names_the_unit_that_is_too_short() -> None:
    budget = Budget(Limits(wall_seconds=600.0, epochs=50.0), replicate_share=0.0)
    whole = Spend(wall_seconds=10.0, epochs=54.0)
    assert budget.shortfall(Spend(), Spend(wall_seconds=10.0, epochs=50.0)) == ""
    assert budget.shortfall(Spend(epochs=20.0), whole) == (
        "a whole trial will take about 54 epochs, and 30 epochs are left to search: no trial will "
        "finish"
    )


@QUICK
@given(spend=SPENDS, limits=LIMITS, cost=SPENDS, finished=st.booleans())
def test_once_the_search_is_over_nothing_of_it_starts(
    spend: Spend, limits: dict[Unit, float], cost: Spend, finished: bool
) -> None:
    budget = Budget(Limits(**limits), whole=cost)
    if budget.search_decision(spend).stop:
        assert budget.claim_decision(spend, cost).stop
        assert budget.next_trial_decision(spend, cost, cost, finished).stop
    if budget.total_decision(spend).stop:
        assert budget.search_decision(spend).stop
        assert budget.replicate_decision(spend, cost).stop


@QUICK
@given(
    spend=SPENDS,
    limits=LIMITS,
    factor=st.floats(1.0, 4.0),
    cost=SPENDS,
    whole=SPENDS,
    finished=st.booleans(),
    probe=st.floats(0.1, 50.0),
)
def test_more_budget_never_forbids_what_less_allowed(
    spend: Spend,
    limits: dict[Unit, float],
    factor: float,
    cost: Spend,
    whole: Spend,
    finished: bool,
    probe: float,
) -> None:
    less = Budget(Limits(**limits), whole=whole)
    more = Budget(Limits(**limits) * factor, whole=whole)

    def stops(budget: Budget) -> list[bool]:
        return [
            budget.search_decision(spend).stop,
            budget.total_decision(spend).stop,
            budget.claim_decision(spend, cost).stop,
            budget.next_trial_decision(spend, cost, whole, finished).stop,
            budget.replicate_decision(spend, whole).stop,
        ]

    assert all(a >= b for a, b in zip(stops(less), stops(more), strict=True))
    assert (more.probes_affordable(spend, probe) or 0) >= (
        less.probes_affordable(spend, probe) or 0
    )
