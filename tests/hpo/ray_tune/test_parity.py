"""The same reports get the same verdicts from Ray's scheduler and stopper as in Optuna."""

import math
from dataclasses import dataclass

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.pruners import BasePruner
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from hpo.decision import GO_ON, Decision
from hpo.history import Finding, History, Reading
from hpo.pruners import (
    CollapsePruner,
    CombinedPruner,
    GoldilocksPruner,
    HalvingPruner,
    report_rung,
)
from hpo.pruning import GOLDILOCKS, CollapseRule, FirstStop, HalvingRule, ZoneRule
from hpo.ray_tune import CollapseStopper, GoldilocksScheduler
from hpo.ray_tune.results import result_keys
from tests.hpo.pruners.studies import Direction, in_memory

SLOW = settings(max_examples=150, deadline=None, derandomize=True)
LAST = 18
NEAR = Finding("dimensional", "projector", "projector collapsed, dimensional: near", clear=False)
CLEAR = Finding("dimensional", "backbone", "backbone collapsed, dimensional: RankMe 1.1")


@dataclass(frozen=True)
class Report:
    trial: int
    epoch: int
    objective: float
    alpha: float
    finding: Finding | None


values = st.floats(-100, 100) | st.sampled_from([0.5, 1.0, 2.0, math.nan, math.inf, -math.inf])
rungs = st.tuples(values, values, st.sampled_from([None, None, None, None, NEAR, CLEAR]))


@st.composite
def histories(draw: st.DrawFn) -> list[Report]:
    """What up to seven trials report at three rungs, each its own in order, mixed as they come."""
    n_trials = draw(st.integers(1, 7))
    told = {
        trial: [
            Report(trial, epoch, *draw(rungs)) for epoch in (2, 6, LAST)[: draw(st.integers(1, 3))]
        ]
        for trial in range(n_trials)
    }
    turns = draw(st.permutations([t for t in told for _ in told[t]]))
    return [told[trial].pop(0) for trial in turns]


def by_optuna(pruner: BasePruner, direction: Direction, told: list[Report]) -> dict[int, Decision]:
    """Report in order, prune, and read what the study says of each trial that was stopped."""
    study = in_memory(pruner, direction)
    trials = [study.ask() for _ in range(max(r.trial for r in told) + 1)]
    for r in told:
        trial = trials[r.trial]
        if study.trials[r.trial].state.is_finished():
            continue
        report_rung(trial, r.epoch, r.objective, {"alpha_req": r.alpha}, r.finding)
        if trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return {
        trial.number: Decision(
            True,
            trial.user_attrs["outcome"]["reason"],
            trial.user_attrs["outcome"]["kind"],
            next(
                record["evidence"]
                for key, record in trial.user_attrs.items()
                if key.startswith("decision/")
            ),
        )
        for trial in study.trials
        if "outcome" in trial.user_attrs
    }


def by_ray(scheduler: GoldilocksScheduler, told: list[Report]) -> dict[int, Decision]:
    trials = [Trial("made", stub=True) for _ in range(max(r.trial for r in told) + 1)]
    for trial in trials:
        scheduler.on_trial_add(None, trial)
    for r in told:
        trial = trials[r.trial]
        if trial.trial_id in scheduler.decisions():
            continue
        verdict = scheduler.on_trial_result(None, trial, result_of(r))
        assert (verdict == TrialScheduler.STOP) is (trial.trial_id in scheduler.decisions())
    numbers = {trial.trial_id: number for number, trial in enumerate(trials)}
    return {numbers[trial_id]: d for trial_id, d in scheduler.decisions().items()}


def by_rules(direction: Direction, share: float, told: list[Report]) -> dict[int, Decision]:
    """Ask the rules with the whole history, as it was when each report arrived."""
    rule = FirstStop(
        (
            CollapseRule(),
            ZoneRule(share=share, min_peers=1, last_epoch=LAST, explore_share=0.3, seed=4),
            HalvingRule(direction=direction, min_peers=1, last_epoch=LAST),
        )
    )
    seen: list[Reading] = []
    stops: dict[int, Decision] = {}
    for r in told:
        if r.trial in stops:
            continue
        values = {"alpha_req": r.alpha}
        seen.append(Reading(r.trial, r.epoch, r.objective, values, r.finding, len(seen)))
        dead = frozenset(n for n, d in stops.items() if d.kind == "collapse")
        decision = rule.decide(seen[-1], History(tuple(seen), dead))
        if decision.stop:
            stops[r.trial] = decision
    return stops


def result_of(r: Report) -> dict[str, object]:
    return {
        "epoch": r.epoch,
        "guarded_rank": r.objective,
        "alpha_req": r.alpha,
        **result_keys(r.finding),
    }


def scheduler_of(direction: Direction, share: float | None) -> GoldilocksScheduler:
    return GoldilocksScheduler(
        metric="guarded_rank",
        mode="max" if direction == "maximize" else "min",
        share=share,
        zone=GOLDILOCKS,
        min_peers=1,
        last_epoch=LAST,
        explore_share=0.3,
        seed=4,
    )


def pruner_of(share: float | None) -> CombinedPruner:
    zone = GoldilocksPruner(
        zone=GOLDILOCKS,
        measure="alpha_req",
        share=share,
        min_peers=1,
        last_epoch=LAST,
        explore_share=0.3,
        seed=4,
    )
    return CombinedPruner([CollapsePruner(), zone, HalvingPruner(min_peers=1, last_epoch=LAST)])


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@SLOW
@given(told=histories(), share=st.sampled_from([None, 1 / 3, 2 / 3]))
def test_the_scheduler_stops_whom_the_pruners_stop_for_the_same_reason(
    direction: Direction, told: list[Report], share: float | None
) -> None:
    expected = by_optuna(pruner_of(share), direction, told)
    assert by_ray(scheduler_of(direction, share), told) == expected


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@SLOW
@given(told=histories())
def test_the_scheduler_decides_as_the_rules_do_by_the_whole_history(
    direction: Direction, told: list[Report]
) -> None:
    assert by_ray(scheduler_of(direction, 2 / 3), told) == by_rules(direction, 2 / 3, told)


@SLOW
@given(
    told=histories(),
    kinds=st.sampled_from([None, ["dimensional"], ["shrunk"]]),
    patience=st.integers(1, 3),
)
def test_the_stopper_stops_whom_the_collapse_pruner_stops(
    told: list[Report], kinds: list[str] | None, patience: int
) -> None:
    expected = by_optuna(CollapsePruner(kinds, patience), "maximize", told)
    stopper = CollapseStopper(kinds, patience)
    for r in told:
        if str(r.trial) in stopper.decisions():
            continue
        # Ray gives a stopper nothing but names and results.
        stopped = stopper(str(r.trial), {"epoch": r.epoch, **result_keys(r.finding)})
        assert stopped is (str(r.trial) in stopper.decisions())
    assert {int(name): d for name, d in stopper.decisions().items()} == expected


def test_the_generated_histories_hold_every_kind_of_stop_and_going_on() -> None:
    """Or the laws above would hold for want of anything to differ in."""
    kinds: set[str] = set()

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(told=histories())
    def collect(told: list[Report]) -> None:
        found = by_ray(scheduler_of("maximize", 2 / 3), told)
        kinds.update(d.kind for d in found.values())
        if len(found) < len({r.trial for r in told}):
            kinds.add(GO_ON.kind)

    collect()
    assert kinds == {"", "collapse", "zone", "halving"}
