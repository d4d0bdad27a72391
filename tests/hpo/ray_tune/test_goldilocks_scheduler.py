"""The scheduler's own ways; its verdicts are held in test_parity.py."""

import math
from typing import Any

import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from hpo.errors import ConfigError
from hpo.pruning import GOLDILOCKS, Zone
from hpo.ray_tune import CollapseStopper, GoldilocksScheduler

STOP, GO_ON = TrialScheduler.STOP, TrialScheduler.CONTINUE


def trial() -> Trial:
    return Trial("made", stub=True)


def told(
    scheduler: GoldilocksScheduler, one: Trial, score: float, alpha: float = 1.0, epoch: int = 6
) -> str:
    result = {"epoch": epoch, "score": score, "alpha_req": alpha}
    return scheduler.on_trial_result(None, one, result)


def test_metric_and_mode_may_come_from_the_tune_config() -> None:
    scheduler = GoldilocksScheduler(factor=2, min_peers=1)
    assert scheduler.set_search_properties("score", "min")
    first, second = trial(), trial()
    assert told(scheduler, first, 1.0) == GO_ON
    assert told(scheduler, second, 2.0) == STOP
    assert scheduler.reasons() == {second.trial_id: "place 2 of 2 at epoch 6; the best 1 go on"}


def test_two_places_that_name_one_are_refused_as_by_rays_own() -> None:
    assert not GoldilocksScheduler("a", "max").set_search_properties("b", None)
    assert not GoldilocksScheduler("a", "max").set_search_properties(None, "min")
    assert GoldilocksScheduler("a", "max").set_search_properties(None, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((None, None), "^metric: got none"), (("score", None), "^mode: got none")],
)
def test_no_metric_and_no_mode_are_errors_before_anything_runs(
    arguments: tuple[str | None, str | None], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        GoldilocksScheduler(*arguments).set_search_properties(None, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "most"}, "^mode: got 'most'; wanted max or min"),
        ({"zone": GOLDILOCKS, "share": 0.0}, "^share: got 0"),
        ({"factor": 1}, "^factor: got 1"),
        ({"patience": 0}, "^patience: got 0"),
        ({"kinds": ["tired"]}, r"^kinds: got \['tired'\]"),
    ],
)
def test_impossible_arguments_are_errors_at_once(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GoldilocksScheduler(**arguments)


def test_without_a_zone_nothing_but_the_metric_is_needed() -> None:
    scheduler = GoldilocksScheduler("score", "max", zone=None)
    assert scheduler.on_trial_result(None, trial(), {"epoch": 6, "score": 1.0}) == GO_ON


def test_without_a_factor_nobody_is_stopped_for_being_behind() -> None:
    scheduler = GoldilocksScheduler("score", "max", factor=None, min_peers=0)
    assert [told(scheduler, trial(), score) for score in (3, 2, 1, 0)] == [GO_ON] * 4


def test_a_zone_of_ones_own_stops_whom_the_usual_one_lets_pass() -> None:
    scheduler = GoldilocksScheduler("score", "max", zone=Zone(2, 3), share=None)
    one = trial()
    assert told(scheduler, one, 1.0, alpha=1.0) == STOP
    assert scheduler.decisions()[one.trial_id].kind == "zone"
    assert scheduler.debug_string() == "Goldilocks: stopped 1 zone"


def test_who_ended_by_itself_is_still_compared_with() -> None:
    """A last result does not come as a result: Ray only says that the trial is complete."""
    scheduler = GoldilocksScheduler("score", "max", zone=None, factor=2, min_peers=1)
    done = {"epoch": 6, "score": 5.0, "done": True}
    scheduler.on_trial_complete(None, trial(), done)
    assert told(scheduler, trial(), 1.0) == STOP
    assert told(scheduler, trial(), 6.0) == GO_ON


def test_who_explores_goes_by_the_order_in_which_trials_were_added() -> None:
    """Trial 5 explores with a share of 0.1, whenever it reports."""
    scheduler = GoldilocksScheduler("score", "max", zone=GOLDILOCKS, share=None, explore_share=0.1)
    trials = [trial() for _ in range(6)]
    for one in trials:
        scheduler.on_trial_add(None, one)
    verdicts = [told(scheduler, one, 1.0, alpha=9.0) for one in reversed(trials)]
    assert verdicts == [GO_ON] + [STOP] * 5


def test_an_undefined_measure_can_not_be_placed() -> None:
    scheduler = GoldilocksScheduler("score", "max", zone=GOLDILOCKS)
    one = trial()
    assert told(scheduler, one, 1.0, alpha=math.nan) == STOP
    assert "α is nan at epoch 6" in scheduler.reasons()[one.trial_id]


def test_a_stopper_never_ends_the_experiment() -> None:
    stopper = CollapseStopper()
    assert stopper("a", {"epoch": 1, "collapse": "constant"})
    assert not stopper.stop_all()
