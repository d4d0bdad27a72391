"""All figures of a study."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.trust import StudyEvidence, TrialEvidence, trust
from tests.hpo.trust.made import EPOCH, in_order, made_study, made_trial


def test_a_measure_in_the_probes_order() -> None:
    found = trust(in_order(12))
    tau, pick = found.own.tau["linear"], found.own.pick
    assert (tau.value, tau.n) == (1.0, 12)
    assert found.own.rho["linear"].value == pytest.approx(1.0)
    assert pick is not None
    assert (pick.numbers, pick.regret_points) == ((11,), 0.0)
    assert [(r.k, r.share) for r in found.own.recalls] == [(1, 1.0), (3, 1.0), (5, 1.0)]
    assert found.random_regret_points == pytest.approx(11.0)


@given(st.permutations(range(9)), st.sampled_from([lambda v: v**3, lambda v: 2.0**v - 7]))
@settings(max_examples=15, deadline=None)
def test_any_rising_transformation_of_the_measure_says_the_same(order, transform) -> None:
    accuracies = [0.5 + i / 30 for i in range(9)]
    before = trust(made_study([float(v) for v in order], accuracies), n_resamples=20)
    after = trust(made_study([transform(float(v)) for v in order], accuracies), n_resamples=20)
    same = replace(after.own, lead=before.own.lead)  # the only figure in the measure's own unit
    assert same == before.own
    assert after.band == before.band


def test_values_that_are_missing_are_left_out_and_counted() -> None:
    values = [float("nan"), *map(float, range(8)), float("-inf")]
    found = trust(made_study(values, [0.5 + i / 50 for i in range(10)]))
    assert (found.own.n_missing, found.own.tau["linear"].n) == (2, 8)
    assert found.own.pick is not None
    assert found.own.pick.numbers == (8,)
    assert found.own.pick.regret_points == pytest.approx(2.0)


def test_a_constant_measure_has_no_order_and_a_shared_pick() -> None:
    found = trust(made_study([3.0] * 10, [0.5 + i / 50 for i in range(10)]))
    assert found.own.tau["linear"].undefined == "all 10 scores are equal"
    assert found.own.pick is not None
    assert found.own.pick.numbers == tuple(range(10))
    assert found.own.pick.regret_points == pytest.approx(found.random_regret_points)


def test_barred_trials_are_apart_and_may_still_be_the_best() -> None:
    barred = made_trial(20, 0.0, 0.99, barred="has not moved")
    found = trust(in_order(8, others=[barred]))
    assert found.own.tau["linear"].n == 8
    assert found.own.tau_with_barred is not None
    assert found.own.tau_with_barred.n == 9
    assert found.band is not None
    assert found.band.best == (20,)
    assert found.own.pick is not None
    assert found.own.pick.regret_points == pytest.approx(99 - 64)
    assert (found.population.barred, found.population.probed_barred) == (1, 1)
    assert trust(in_order(8)).own.tau_with_barred is None


def test_trials_that_did_not_reach_the_end_are_counted_and_not_compared() -> None:
    stopped = [
        TrialEvidence(30, "pruned", {3: {"rankme": 99.0}}, at_end=False),
        TrialEvidence(31, "collapsed", at_end=False),
        TrialEvidence(32, "pruned", at_end=False, accuracies={"linear": 0.99}),
    ]
    found = trust(in_order(8, others=stopped))
    who = found.population
    assert (who.started, who.comparable, who.probed) == (11, 8, 8)
    assert who.left_out == {"pruned": 2, "collapsed": 1}
    assert found.band is not None
    assert found.band.best == (7,)
    assert who.is_selected
    assert not trust(in_order(8)).population.is_selected


def test_a_favourite_that_was_not_probed_is_no_pick() -> None:
    found = trust(made_study([1.0, 2.0, 3.0, 9.0], [0.5, 0.6, 0.7]))
    assert found.own.favourites == (3,)
    assert found.own.pick is not None
    assert found.own.pick.numbers == (2,)
    assert found.population.not_probed == 1


def test_measures_come_by_their_tau_the_objective_first() -> None:
    accuracies = [0.5 + i / 30 for i in range(9)]
    trials = tuple(
        TrialEvidence(
            i,
            rungs={EPOCH: {"bad": -float(i), "good": float(i), "flat": 1.0, "own": float(i % 3)}},
            accuracies={"linear": a, "knn": 1 - a},
        )
        for i, a in enumerate(accuracies)
    )
    measures = dict.fromkeys(("bad", "flat", "good", "own"), "maximize")
    study = StudyEvidence(trials, "own", EPOCH, measures, {"linear": 100, "knn": 50})
    found = trust(study)
    assert [m.name for m in found.measures] == ["own", "good", "bad", "flat"]
    assert found.measures[1].tau["knn"].value == -1.0
    assert found.agreement.of("good")["bad"] == -1.0


def test_the_studys_own_choice_is_judged_too() -> None:
    found = trust(in_order(8, chosen=5))
    assert found.choice is not None
    assert found.choice.regret_points == pytest.approx(4.0)
    assert trust(in_order(8, chosen=77)).choice is None
    assert trust(in_order(8)).choice is None


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_trials(n: int) -> None:
    found = trust(in_order(n))
    assert (found.band is None) == (n == 0)
    if n:
        assert found.own.tau["linear"].value is None
    else:
        assert found.own.tau == {}
        assert found.own.pick is None


def test_all_collapsed() -> None:
    dead = [TrialEvidence(i, "collapsed", at_end=False) for i in range(3)]
    found = trust(StudyEvidence(tuple(dead), "rankme", 0, {"rankme": "maximize"}))
    assert found.population.left_out == {"collapsed": 3}
    assert found.band is None
    assert found.own.favourites == ()
