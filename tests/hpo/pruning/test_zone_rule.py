"""The Goldilocks filter at a rung."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import Finding, History, Reading
from hpo.pruning import EVERYWHERE, Zone, ZoneRule, explores

QUICK = settings(max_examples=200, deadline=None, derandomize=True)

finite = st.floats(-1e6, 1e6) | st.sampled_from([0.5, 1.0, 1.3, 2.0])
undefined = st.sampled_from([math.nan, math.inf, -math.inf])
shares = st.sampled_from([None, 0.25, 0.5, 2 / 3, 1.0])


def reading(trial: int, alpha: float, epoch: int = 6, objective: float = 40.0) -> Reading:
    return Reading(trial, epoch, objective, {"alpha_req": alpha})


def at(*alphas: float, epoch: int = 6) -> tuple[Reading, ...]:
    """One trial for each α, numbered from 0."""
    return tuple(reading(number, alpha, epoch) for number, alpha in enumerate(alphas))


def judged(readings: tuple[Reading, ...], which: int = -1, **changed: object) -> Decision:
    rule = ZoneRule(**changed)  # type: ignore[arg-type]
    return rule.decide(readings[which], History(readings))


# Strict


@pytest.mark.parametrize("alpha", [0.8, 1.0, 1.2])
def test_in_the_zone_a_trial_goes_on(alpha: float) -> None:
    assert judged(at(alpha)) == GO_ON


@pytest.mark.parametrize(("alpha", "distance"), [(2.1, "0.90"), (0.5, "0.30")])
def test_outside_a_strict_zone_a_trial_stops(alpha: float, distance: str) -> None:
    decision = judged(at(alpha))
    assert (decision.stop, decision.kind) == (True, "zone")
    assert decision.reason == f"α {alpha:.2f} is {distance} outside the zone [0.8, 1.2] at epoch 6"
    assert decision.evidence["value"] == alpha
    assert decision.evidence["zone_low"] == 0.8
    assert decision.evidence["distance"] == pytest.approx(float(distance))


def test_who_left_the_zone_is_told_when() -> None:
    was_in = (reading(0, 1.0, 2), reading(0, 1.1, 6), reading(0, 2.0, 18))
    left = "at epoch 18; it left the zone after epoch 6"
    assert judged(was_in).reason.endswith(left)
    crowd = tuple(reading(number, 1.0, 18) for number in range(1, 4))
    among = judged((*crowd, *was_in), share=0.5).reason
    assert among.endswith("the best 2 go on; it left the zone after epoch 6")
    assert "left" not in judged((reading(0, 2.0, 2), reading(0, 2.0, 6))).reason


@pytest.mark.parametrize("alpha", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("share", [None, 0.5])
def test_what_cannot_be_placed_stops(alpha: float, share: float | None) -> None:
    decision = judged(at(1.0, 1.0, 1.0, 1.0, alpha), share=share)
    assert (decision.stop, decision.kind) == (True, "zone")
    assert decision.reason.startswith(f"α is {alpha} at epoch 6: it cannot be placed")
    assert decision.evidence["value"] == str(alpha)
    assert judged((Reading(0, 6, 1.0),)).stop


def test_the_zone_may_be_of_any_measure_or_of_the_reported_value() -> None:
    known = (Reading(0, 6, 5.0, {"alpha_req": 1.0, "rank": 3.0}),)
    assert not judged(known).stop
    assert judged(known, measure="rank").reason.startswith("rank 3.00 is 1.80 outside")
    assert judged(known, measure=None).reason.startswith("the value 5.00 is 3.80 outside")
    assert not judged(known, measure=None, zone=Zone(4.0, 6.0)).stop


@pytest.mark.parametrize(
    ("changed", "stop"),
    [
        ({"last_epoch": 6}, False),
        ({"last_epoch": 7}, True),
        ({"n_warmup_steps": 7}, False),
        ({"n_warmup_steps": 6}, True),
        ({"interval_steps": 4}, False),
        ({"interval_steps": 3}, True),
    ],
)
@pytest.mark.parametrize("alpha", [2.0, math.nan])
def test_warm_up_interval_and_end(changed: dict[str, int], stop: bool, alpha: float) -> None:
    readings = (reading(0, 2.0, 5), reading(0, alpha, 6))
    assert judged(readings, **changed).stop is stop


# Among peers

SIX = at(1.0, 1.1, 1.3, 1.5, 0.5, 2.1)


def test_only_the_closest_go_on() -> None:
    stopped = [number for number in range(6) if judged(SIX, number, share=2 / 3).stop]
    # 1.5 and 0.5 are both 0.3 outside and 0.5 from 1: they share the fourth place.
    assert stopped == [5]
    decision = judged(SIX, 5, share=2 / 3)
    assert decision.reason == (
        "α 2.10 is 0.90 outside the zone [0.8, 1.2], place 6 of 6 at epoch 6; the best 4 go on"
    )
    assert decision.evidence["place"] == decision.evidence["n"] == 6


@pytest.mark.parametrize(("share", "kept"), [(0.1, 1), (0.5, 3), (0.51, 4), (1.0, 6)])
def test_the_share_is_rounded_up(share: float, kept: int) -> None:
    spread = at(2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
    assert sum(not judged(spread, n, share=share).stop for n in range(6)) == kept


def test_inside_everybody_goes_on_whatever_the_share() -> None:
    crowd = at(1.0, 1.0, 1.0, 1.0, 1.19)
    assert judged(crowd, share=0.2) == GO_ON


def test_fewer_peers_than_wanted_stop_nobody() -> None:
    readings = at(1.0, 1.0, math.nan, 9.0)
    assert not judged(readings, share=0.5, min_peers=3).stop
    assert judged(readings, share=0.5, min_peers=2).stop


def test_the_dead_and_other_epochs_are_no_peers() -> None:
    dead = Reading(7, 6, 1.0, {"alpha_req": 1.0}, Finding("constant", "backbone", "dead"))
    crowd = (dead, reading(8, 1.0, epoch=5), *at(1.0, 1.0, 9.0))
    assert not judged(crowd, share=0.5).stop
    rule = ZoneRule(share=0.5)
    history = History(at(1.0, 1.0, 1.0, 9.0), collapsed=frozenset({0}))
    assert not rule.decide(history.readings[-1], history).stop


def test_ties_within_the_noise_go_on() -> None:
    readings = at(2.01, 2.02, 2.03, 2.04)
    zone = Zone(0.8, 1.0)
    assert not judged(readings, share=0.25, zone=zone, noise=0.05).stop
    assert judged(readings, share=0.25, zone=zone, noise=0.0).stop


def test_at_equal_distance_all_go_on_or_none() -> None:
    zone = Zone(0.5, 2.0)
    readings = at(0.0, 0.0, 0.0, 2.5)
    assert not any(judged(readings, n, share=0.5, zone=zone).stop for n in range(4))
    closer = at(0.0, 0.0, 0.4, 0.4)
    stops = [judged(closer, n, share=0.5, zone=zone).stop for n in range(4)]
    assert stops == [True, True, False, False]


def test_a_zone_that_is_open_at_both_ends_stops_nobody() -> None:
    for share in (None, 0.1):
        readings = at(0.0, 9.0, math.nan, 1.0)
        assert not any(judged(readings, n, share=share, zone=EVERYWHERE).stop for n in range(4))


# Exploring


def test_an_explorer_goes_on_and_says_why() -> None:
    explorer = next(number for number in range(1, 50) if explores(number, 0.1, 3))
    other = next(number for number in range(1, 50) if not explores(number, 0.1, 3))
    rule = ZoneRule(explore_share=0.1, seed=3)
    history = History((reading(explorer, 2.0), reading(other, 2.0)))
    decision = rule.decide(history.readings[0], history)
    assert (decision.stop, decision.kind) == (False, "")
    assert "outside the zone [0.8, 1.2] at epoch 6; goes on all the same, to explore" in (
        decision.reason
    )
    assert rule.decide(history.readings[1], history).stop
    assert rule.decide(reading(explorer, math.nan), history).stop


# Learning

PROBED = {10: 0.3, 11: 0.7, 12: 0.8, 13: 0.7, 14: 0.5, 15: 0.4}
LEARNED = tuple(
    reading(number, alpha)
    for number, alpha in zip(PROBED, (0.5, 1.9, 2.0, 2.1, 2.5, 3.0), strict=True)
)


def test_an_adaptive_zone_is_learned_from_the_probes() -> None:
    rule = ZoneRule(adaptive=True, noise=0.0)
    history = History((*LEARNED, reading(0, 2.05), reading(1, 1.0)), probed=PROBED)
    assert rule.zone_at(6, history) == Zone(1.9, 2.1)
    assert rule.decide(history.readings[-2], history) == GO_ON
    assert "outside the zone [1.9, 2.1]" in rule.decide(history.readings[-1], history).reason
    assert ZoneRule().zone_at(6, history) == Zone(0.8, 1.2)


def test_it_is_learned_at_the_very_epoch() -> None:
    """α changes with training: what it was at another epoch says nothing here."""
    elsewhere = tuple(reading(r.trial, r.values["alpha_req"], 18) for r in LEARNED)
    rule = ZoneRule(adaptive=True)
    assert rule.zone_at(6, History(elsewhere, probed=PROBED)) == rule.zone
    assert rule.zone_at(18, History(elsewhere, probed=PROBED)) != rule.zone


def test_it_is_not_learned_from_too_few() -> None:
    few = dict(list(PROBED.items())[:5])
    assert ZoneRule(adaptive=True).zone_at(6, History(LEARNED, probed=few)) == Zone(0.8, 1.2)


# Laws


@QUICK
@given(
    alphas=st.lists(finite, min_size=1, max_size=10),
    bad=st.lists(undefined, min_size=1, max_size=5),
    share=shares,
)
def test_a_value_that_is_not_finite_never_changes_anothers_verdict(
    alphas: list[float], bad: list[float], share: float | None
) -> None:
    readings = at(*alphas)
    more = tuple(reading(100 + number, value) for number, value in enumerate(bad))
    alone = judged(readings, 0, share=share, min_peers=0)
    assert judged((*readings, *more), 0, share=share, min_peers=0) == alone


@QUICK
@given(alphas=st.lists(finite | undefined, min_size=1, max_size=10), share=shares)
def test_the_order_of_the_trials_does_not_matter(alphas: list[float], share: float | None) -> None:
    readings = list(at(*alphas))
    rule = ZoneRule(share=share, min_peers=0)
    expected = [rule.decide(r, History(tuple(readings))) for r in readings]
    shuffled = random.Random(0).sample(readings, len(readings))
    assert [rule.decide(r, History(tuple(shuffled))) for r in readings] == expected


@QUICK
@given(alphas=st.lists(finite, min_size=1, max_size=10), share=shares.filter(bool))
def test_at_least_the_share_goes_on(alphas: list[float], share: float) -> None:
    readings = at(*alphas)
    kept = sum(not judged(readings, n, share=share, min_peers=0).stop for n in range(len(alphas)))
    assert kept >= math.ceil(share * len(alphas) - 1e-9)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"share": 0.0}, "share: got 0; wanted above 0, and at most 1"),
        ({"share": 1.1}, "share: got 1.1"),
        ({"min_peers": -1}, "min_peers: got -1; wanted at least 0"),
        ({"n_warmup_steps": -1}, "n_warmup_steps: got -1"),
        ({"interval_steps": 0}, "interval_steps: got 0"),
        ({"noise": -1.0}, "noise: got -1"),
        ({"explore_share": 2.0}, "explore_share: got 2"),
        ({"min_evidence": 0}, "min_evidence: got 0"),
    ],
)
def test_impossible_arguments(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ZoneRule(**changed)  # type: ignore[arg-type]
