"""What a study decides by, as its options say."""

import math
from typing import Any

import pytest

from hpo.config import StudyConfig
from hpo.history import Finding, History, Reading
from hpo.rules import replicate_rules, rules_of

NEAR = Finding("dimensional", "projector", "projector collapsed, dimensional: near", clear=False)
CLEAR = Finding("dimensional", "projector", "projector collapsed, dimensional: clear")


def config(**options: Any) -> StudyConfig:
    return StudyConfig.model_validate({"epochs": 54, "explore_share": 0.0, **options})


def verdict(
    own: Reading,
    *others: Reading,
    repeats: bool = False,
    probed: dict[int, float] | None = None,
    **options: Any,
) -> tuple[bool, str]:
    study = config(**options)
    rule = replicate_rules(study) if repeats else rules_of(study, direction="maximize")
    decision = rule.decide(own, History((*others, own), probed=probed or {}))
    return decision.stop, decision.kind


def reading(
    trial: int,
    value: float = 1.0,
    *,
    alpha: float = 1.0,
    epoch: int = 6,
    finding: Finding | None = None,
) -> Reading:
    return Reading(trial, epoch, value, {"alpha_req": alpha}, finding)


BETTER = [reading(n, 5.0 + n) for n in range(1, 6)]


def test_a_collapse_beyond_doubt_stops_at_the_first_rung_that_shows_it() -> None:
    assert verdict(reading(0, finding=CLEAR)) == (True, "collapse")


def test_one_near_its_threshold_must_be_seen_twice() -> None:
    first = reading(0, finding=NEAR)
    assert verdict(first) == (False, "")
    assert verdict(reading(0, finding=NEAR, epoch=18), first) == (True, "collapse")
    assert verdict(first, patience=1) == (True, "collapse")


@pytest.mark.parametrize("prune", [True, False])
def test_at_the_last_rung_any_collapse_stops_because_it_can_never_be_chosen(prune: bool) -> None:
    assert verdict(reading(0, finding=NEAR, epoch=54), prune=prune) == (True, "collapse")


def test_without_pruning_a_collapse_is_only_recorded_before_the_end() -> None:
    assert verdict(reading(0, finding=CLEAR), prune=False) == (False, "")


def test_the_last_of_six_falls_behind_unless_nothing_is_pruned() -> None:
    assert verdict(reading(0), *BETTER) == (True, "halving")
    assert verdict(reading(0), *BETTER, prune=False) == (False, "")


def test_halving_goes_by_the_direction() -> None:
    rule = rules_of(config(), direction="minimize")
    assert not rule.decide(reading(0), History((*BETTER, reading(0)))).stop


def test_nobody_is_compared_at_the_last_epoch() -> None:
    others = [reading(n, 5.0 + n, epoch=54) for n in range(1, 6)]
    assert verdict(reading(0, alpha=9.0, epoch=54), *others) == (False, "")


def test_the_one_farthest_from_the_zone_is_filtered_however_good() -> None:
    far = reading(0, 99.0, alpha=2.0)
    assert verdict(far, *BETTER, zone="0.8..1.2") == (True, "zone")
    assert verdict(far, *BETTER, zone="0.8..1.2", filter=False) == (False, "")
    assert verdict(far, *BETTER, zone="1.5..2.5") == (False, "")
    assert verdict(far, *BETTER, zone="0.8..1.2", filter_share=1.0) == (False, "")


@pytest.mark.parametrize("labels", [False, True])
def test_a_zone_that_nobody_gave_or_learned_stops_nobody(labels: bool) -> None:
    assert verdict(reading(0, 99.0, alpha=2.0), *BETTER, labels=labels) == (False, "")
    assert verdict(reading(0, 99.0, alpha=math.nan), *BETTER, labels=labels) == (False, "")


def test_exploring_trials_pass_the_filter() -> None:
    passed = [
        not verdict(reading(n, 99.0, alpha=2.0), *others, explore_share=0.5, zone="0.8..1.2")[0]
        for n in range(10, 30)
        if (others := [reading(m, 5.0 + m) for m in range(1, 6)])
    ]
    assert 6 <= sum(passed) <= 14


def test_the_zone_is_learned_from_probes_unless_it_is_given() -> None:
    # Six probes: the best are those with α near 2, so the zone moves there.
    others = [
        reading(n, alpha=alpha) for n, alpha in enumerate((0.9, 1.0, 1.1, 1.9, 2.0, 2.1), start=1)
    ]
    probed = {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.7, 5: 0.9, 6: 0.8}
    own, low = reading(0, 99.0, alpha=2.1), reading(0, 99.0, alpha=0.5)
    assert verdict(low, *others, labels=True) == (False, "")
    assert verdict(low, *others, labels=True, probed=probed) == (True, "zone")
    assert verdict(own, *others, labels=True, probed=probed) == (False, "")
    assert verdict(own, *others, labels=True, probed=probed, zone="0.8..1.2") == (True, "zone")


def test_labels_that_only_check_the_choice_teach_no_zone() -> None:
    others = [reading(n, alpha=alpha) for n, alpha in enumerate((0.9, 1.0, 1.1, 1.9, 2.0, 2.1), 1)]
    probed = {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.7, 5: 0.9, 6: 0.8}
    low, options = reading(0, 99.0, alpha=0.5), {"check_labels": True, "probe_all": True}
    assert verdict(low, *others, **options, probed=probed) == (False, "")
    assert verdict(low, *others, labels=True, probe_best=3, probed=probed) == (False, "")


def test_only_a_collapse_stops_a_replicate() -> None:
    assert verdict(reading(0, alpha=9.0), *BETTER, repeats=True) == (False, "")
    assert verdict(reading(0, finding=CLEAR), repeats=True) == (True, "collapse")
    assert verdict(reading(0, finding=NEAR, epoch=54), repeats=True) == (True, "collapse")


def test_a_dead_trial_never_changes_the_verdict_on_another() -> None:
    dead = reading(9, math.nan, alpha=math.nan, finding=Finding("not finite", "backbone", "nan"))
    for own in (reading(0), reading(0, 99.0, alpha=2.0), reading(0, 7.5)):
        for zone in (None, "0.8..1.2"):
            alone = verdict(own, *BETTER, zone=zone)
            assert verdict(own, *BETTER, dead, zone=zone) == alone
