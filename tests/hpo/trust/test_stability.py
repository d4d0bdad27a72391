"""From rung to rung, and from seed to seed."""

from __future__ import annotations

import math

import pytest

from hpo.trust import StudyEvidence, TrialEvidence, trust
from hpo.trust.stability import accuracy_spread, lead, rung_orders
from tests.hpo.trust.made import made_study, made_trial


def climbing(early: list[float], late: list[float], **more: object) -> StudyEvidence:
    trials = tuple(
        TrialEvidence(
            i,
            rungs={3: {"rankme": a}, 9: {"rankme": b}},
            accuracies={"linear": 0.5 + b / 20},
        )
        for i, (a, b) in enumerate(zip(early, late, strict=True))
    )
    return StudyEvidence(trials, "rankme", 9, {"rankme": "maximize"}, {"linear": 100})


def test_an_order_on_the_way_is_held_against_the_last_and_the_probe() -> None:
    (order,) = rung_orders(climbing([1.0, 3.0, 2.0, 4.0], [1.0, 2.0, 3.0, 4.0]), "rankme")
    assert (order.epoch, order.n) == (3, 4)
    assert order.with_end == pytest.approx(4 / 6)
    assert order.with_probe == pytest.approx(4 / 6)


def test_a_constant_rung_has_no_order() -> None:
    (order,) = rung_orders(climbing([1.0] * 4, [1.0, 2.0, 3.0, 4.0]), "rankme")
    assert (order.with_end, order.with_probe) == (None, None)


def test_trials_that_were_stopped_are_not_in_it() -> None:
    study = climbing([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    stopped = TrialEvidence(9, "pruned", {3: {"rankme": 99.0}}, at_end=False)
    more = StudyEvidence((*study.trials, stopped), "rankme", 9, study.measures, study.n_tested)
    assert rung_orders(more, "rankme") == rung_orders(study, "rankme")


def test_one_rung_has_no_way_to_it() -> None:
    assert trust(made_study([1.0, 2.0, 3.0])).own.by_rung == ()


def test_a_lead_within_the_seeds_is_a_tie() -> None:
    again = made_trial(10, 5.0, 0.80, replicate_of=0), made_trial(11, 2.0, 0.7, replicate_of=1)
    study = made_study([4.0, 3.0, 1.0], [0.82, 0.72, 0.5], others=again)
    found = lead(study, "rankme")
    assert found is not None
    assert (found.best, found.second, found.gap, found.n_repeated) == (0, 1, 1.0, 2)
    assert found.noise == pytest.approx(math.sqrt(0.5))  # two pairs, each 1 apart
    assert found.is_tie
    assert accuracy_spread(study) == pytest.approx(0.02 / math.sqrt(2))


def test_a_lead_beyond_the_seeds_is_none() -> None:
    again = made_trial(10, 4.1, replicate_of=0)
    found = lead(made_study([4.0, 1.0], others=[again]), "rankme")
    assert found is not None
    assert found.is_tie is False


def test_without_replicates_nobody_knows() -> None:
    study = made_study([4.0, 3.9], [0.8, 0.8])
    found = lead(study, "rankme")
    assert found is not None
    assert (found.noise, found.is_tie) == (None, None)
    assert accuracy_spread(study) is None
    assert lead(made_study([4.0]), "rankme") is None


def test_replicates_are_nobodys_rivals() -> None:
    again = made_trial(10, 99.0, 0.99, replicate_of=0)
    found = trust(made_study([4.0, 3.0, 1.0], [0.8, 0.7, 0.6], others=[again]))
    assert found.own.pick is not None
    assert found.own.pick.numbers == (0,)
    assert found.own.tau["linear"].n == 3
    assert found.population.replicates == 1
