"""Probing the best only: who they are, and what a search that goes on adds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.goldilocks import (
    EVERYWHERE,
    Candidate,
    Round,
    RoundRules,
    by_objective,
    eligible,
    probes_of_best,
)
from hpo.pruning.zone import GOLDILOCKS, Zone
from tests.hpo.goldilocks.made import LEAST, QUICK, candidate_lists


def rules(zone: Zone | None = None) -> RoundRules:
    return RoundRules(batch=4, direction="maximize", least_moved=LEAST, zone=zone)


def test_the_best_are_probed_and_the_others_are_told_their_place() -> None:
    found = probes_of_best(
        [Candidate(n, 9, float(n), 2.0, 0.5) for n in range(5)], [], {}, rules(), best=2
    )
    reason = "was not probed: place {} of 5, the best 2 are"
    places = {2: reason.format(3), 1: reason.format(4), 0: reason.format(5)}
    assert found == Round((0, 1, 2, 3, 4), (4, 3), places, EVERYWHERE, None, None, 0)


def test_a_search_that_went_on_probes_who_came_among_the_best_since() -> None:
    six = [Candidate(n, 9, -abs(n - 4.2), 2.0, 0.5) for n in range(6)]
    first = probes_of_best(six[:4], [], {}, rules(), best=2)
    assert first.numbers == (3, 2)
    second = probes_of_best(six, [first], {3: 0.8, 2: 0.7}, rules(), best=2)
    assert second.numbers == (4, 5)
    assert second.candidates == (4, 5)
    # Whoever was probed stays so, and needs no reason.
    assert set(second.excluded) == {0, 1}


@pytest.mark.parametrize(("probed", "numbers"), [({}, (3,)), ({3: 0.9}, ())])
def test_one_is_probed_though_the_reserve_pays_for_none(
    probed: dict[int, float], numbers: tuple[int, ...]
) -> None:
    four = [Candidate(n, 9, float(n), 2.0, 0.5) for n in range(4)]
    found = probes_of_best(four, [], probed, rules(), best=3, affordable=0)
    assert found.numbers == numbers
    assert found.excluded[1] == "was not probed: the probe reserve paid for 0 more"


def test_a_given_zone_comes_before_the_objective() -> None:
    near, far = Candidate(0, 9, 1.0, 1.1, 0.5), Candidate(1, 9, 9.0, 2.5, 0.5)
    assert probes_of_best([far, near], [], {}, rules(), best=1).numbers == (1,)
    found = probes_of_best([far, near], [], {}, rules(GOLDILOCKS), best=1)
    assert (found.numbers, found.zone) == ((0,), GOLDILOCKS)


def test_a_backbone_that_is_gone_gives_its_place_to_the_next() -> None:
    four = [Candidate(n, 9, float(n), 2.0, 0.5) for n in range(4)]
    found = probes_of_best(four, [], {}, rules(), best=2, unavailable={3: "was not kept"})
    assert found.numbers == (2, 1)
    assert found.excluded[3] == "was not kept"
    found = probes_of_best(four, [], {3: 0.9}, rules(), best=2, unavailable={3: "was not kept"})
    assert found.numbers == (2, 1)


@QUICK
@given(candidate_lists(), st.integers(1, 6))
def test_the_best_are_those_by_the_objective_that_may_be_chosen(
    them: list[Candidate], best: int
) -> None:
    barred = eligible(them, least_moved=LEAST)
    may = [c for c in them if c.number not in barred]
    found = probes_of_best(them, [], {}, rules(), best=best)
    assert list(found.numbers) == [c.number for c in by_objective(may, "maximize")[:best]]
    assert {*found.numbers, *found.excluded} == {c.number for c in them}
    assert all(math.isfinite(c.objective) for c in them if c.number in found.numbers)


def test_none_to_probe_is_refused() -> None:
    with pytest.raises(ConfigError, match="probe_best: got 0"):
        probes_of_best([], [], {}, rules(), best=0)
