"""Whose checkpoints stay: the rule as a pure function of made trials."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.goldilocks import Candidate, Direction, by_closeness, by_objective
from hpo.pruning.zone import GOLDILOCKS, Zone
from hpo.retention import Policy, Retention, StoredTrial, retained

POLICY = Policy(keep=2, direction="maximize")
STATES = (
    "running",
    "interrupted",
    "waiting",
    "finished",
    "pruned",
    "out of zone",
    "out of budget",
    "collapsed",
    "failed",
)


def trial(
    number: int, state: str = "finished", objective: float = 5.0, **more: object
) -> StoredTrial:
    made = StoredTrial(number, state, 9, objective, alpha=1.0, n_bytes=100)
    return replace(made, **more)  # type: ignore[arg-type]


def kept(decided: Retention) -> set[int]:
    return {verdict.number for verdict in decided.keep}


def why(decided: Retention) -> dict[int, str]:
    return {verdict.number: verdict.reason for verdict in (*decided.keep, *decided.delete)}


def test_whoever_goes_on_keeps_its_checkpoints_and_the_dead_keep_none() -> None:
    decided = retained([trial(n, state) for n, state in enumerate(STATES)], POLICY)
    assert kept(decided) == {0, 1, 2, 3}
    assert why(decided)[7] == "collapsed"
    assert why(decided)[4] == "pruned, and others have finished"


def test_while_none_has_finished_the_best_at_the_highest_rung_stay() -> None:
    rung3 = [trial(n, "pruned", float(n), epoch=3, alpha=1.5) for n in range(4)]
    rung1 = [trial(n, "out of budget", 99.0, epoch=1) for n in range(4, 6)]
    decided = retained([*rung3, *rung1], POLICY)
    assert kept(decided) == {2, 3}
    assert why(decided)[1] == "place 3 of 4 by the objective; the best 2 stay"
    assert why(decided)[4] == "out of budget at epoch 1; others came further"


def test_a_running_trial_further_on_takes_nothing_from_those_that_ended() -> None:
    """It may still collapse, and then they are what there is to choose from."""
    decided = retained([trial(0, "pruned", epoch=3), trial(1, "running", epoch=6)], POLICY)
    assert kept(decided) == {0, 1}


def test_until_the_choice_is_made_every_finished_trial_stays() -> None:
    finished = [trial(n, objective=float(n)) for n in range(8)]
    assert kept(retained(finished, POLICY)) == set(range(8))
    after = retained(finished, POLICY, chosen=3, shortlisted=[3, 1], choosing=False)
    assert kept(after) == {1, 3, 6, 7}
    assert why(after)[3] == "the chosen one"
    assert why(after)[1] == "shortlisted"
    assert why(after)[5] == "place 3 of 8 by the objective; the best 2 stay"


def test_the_best_are_the_smallest_where_the_objective_is_minimised() -> None:
    finished = [trial(n, objective=float(n)) for n in range(6)]
    after = retained(finished, replace(POLICY, direction="minimize"), choosing=False)
    assert kept(after) == {0, 1}


def test_a_trial_that_can_never_be_chosen_goes_at_once() -> None:
    decided = retained(
        [
            trial(0),
            trial(1, objective=99.0, barred="has not moved"),
            trial(2, objective=math.nan),
            trial(3, "out of budget", math.nan, epoch=0),
        ],
        POLICY,
    )
    assert kept(decided) == {0}
    assert why(decided)[1] == "cannot be chosen: has not moved"
    assert why(decided)[2] == "cannot be chosen: its objective is undefined"
    assert why(decided)[3] == "out of budget before it was measured"


def test_replicates_stay_until_the_choice_and_are_never_among_the_best() -> None:
    trials = [
        *(trial(n, objective=float(n)) for n in range(3)),
        trial(3, objective=99.0, replicate=True),
        trial(4, "running", replicate=True),
        trial(5, "pruned", replicate=True),
    ]
    assert kept(retained(trials, POLICY)) == {0, 1, 2, 3, 4}
    after = retained(trials, POLICY, chosen=2, shortlisted=[2], choosing=False)
    assert kept(after) == {1, 2, 4}
    assert why(after)[3] == "a replicate: only its measures count"


def test_the_best_by_their_probes_stay_too() -> None:
    trials = [trial(n, objective=9.0 - n, accuracy=0.1 * n) for n in range(6)]
    assert kept(retained(trials, POLICY, choosing=False)) == {0, 1, 4, 5}


def test_whose_file_is_gone_takes_no_place_among_the_best() -> None:
    trials = [trial(n, objective=float(n), n_bytes=100 * (n < 3)) for n in range(5)]
    assert kept(retained(trials, POLICY, choosing=False)) == {1, 2}


def test_over_the_quota_the_worst_by_the_objective_go_first() -> None:
    trials = [*(trial(n, objective=float(n)) for n in range(4)), trial(4, "running")]
    decided = retained(trials, replace(POLICY, quota_bytes=350), chosen=0)
    assert kept(decided) == {0, 3, 4}
    assert why(decided)[1].startswith("over the quota")


def test_the_best_so_far_stays_under_any_quota_until_the_choice_is_made() -> None:
    trials = [*(trial(n, objective=float(n)) for n in range(4)), trial(4, "running")]
    assert kept(retained(trials, replace(POLICY, quota_bytes=200))) == {3, 4}
    with pytest.raises(ConfigError, match=r"trials 3 \(the best so far\), 4 \(goes on from it\)"):
        retained(trials, replace(POLICY, quota_bytes=199))
    assert kept(retained(trials, replace(POLICY, quota_bytes=300), chosen=0)) == {0, 3, 4}
    after = retained(trials, replace(POLICY, quota_bytes=200), chosen=0, choosing=False)
    assert kept(after) == {0, 4}


def test_a_quota_too_small_for_what_must_stay_names_the_smallest_that_would_do() -> None:
    big = 2**28
    trials = [trial(0, n_bytes=big), trial(1, "running", n_bytes=big)]
    with pytest.raises(ConfigError, match=r"^checkpoint_gib: got 0\.25; wanted at least 0\.5000 "):
        retained(trials, replace(POLICY, quota_bytes=big), chosen=0)
    assert kept(retained(trials, replace(POLICY, quota_bytes=2 * big), chosen=0)) == {0, 1}


trials_of_any_kind = st.lists(
    st.builds(
        StoredTrial,
        number=st.integers(0, 10**6),
        state=st.sampled_from(STATES),
        epoch=st.sampled_from([0, 3, 9]),
        objective=st.one_of(st.integers(0, 5).map(float), st.just(math.nan), st.just(math.inf)),
        alpha=st.one_of(st.floats(0.0, 3.0), st.just(math.nan)),
        n_bytes=st.sampled_from([0, 50, 100]),
        barred=st.sampled_from(["", "", "has not moved"]),
        replicate=st.booleans(),
        accuracy=st.one_of(st.floats(0, 1), st.just(math.nan)),
    ),
    max_size=12,
    unique_by=lambda t: t.number,
)
policies = st.builds(
    Policy,
    keep=st.integers(1, 4),
    direction=st.sampled_from(["maximize", "minimize"]),
    quota_bytes=st.one_of(st.none(), st.integers(0, 1500)),
)


@given(trials=trials_of_any_kind, policy=policies, choosing=st.booleans(), data=st.data())
@settings(max_examples=200)
def test_every_file_has_one_verdict_and_asking_again_deletes_nothing_more(
    trials: list[StoredTrial], policy: Policy, choosing: bool, data: st.DataObject
) -> None:
    numbers = [t.number for t in trials if t.state == "finished" and not t.replicate]
    chosen = data.draw(st.sampled_from([None, *numbers]))
    try:
        decided = retained(trials, policy, chosen=chosen, choosing=choosing)
    except ConfigError:
        return
    judged = [verdict.number for verdict in (*decided.keep, *decided.delete)]
    assert sorted(judged) == sorted(t.number for t in trials if t.n_bytes)
    if policy.quota_bytes is not None:
        assert sum(verdict.n_bytes for verdict in decided.keep) <= policy.quota_bytes
    by_number = {t.number: t for t in trials}
    for verdict in decided.delete:
        assert by_number[verdict.number].state not in ("running", "interrupted", "waiting")
        assert verdict.number != chosen
    gone = {verdict.number for verdict in decided.delete}
    left = [replace(t, n_bytes=0) if t.number in gone else t for t in trials]
    again = retained(left, policy, chosen=chosen, choosing=choosing)
    assert again.delete == ()
    assert kept(again) == kept(decided)


@given(
    points=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 300).map(lambda n: n / 100), st.just(math.nan)),
            st.integers(0, 6),
        ),
        min_size=1,
        max_size=12,
    ),
    direction=st.sampled_from(["maximize", "minimize"]),
    zone=st.sampled_from([GOLDILOCKS, Zone(0.5, 1.2), Zone(-math.inf, 1.1)]),
)
@example(points=[(0.45, 6), (1.26, 5)], direction="maximize", zone=Zone(0.5, 1.2))
@settings(max_examples=300)
def test_wherever_a_later_shortlist_is_cut_its_best_by_the_objective_is_still_there(
    points: list[tuple[float, int]], direction: Direction, zone: Zone
) -> None:
    trials = [trial(n, objective=float(y), alpha=alpha) for n, (alpha, y) in enumerate(points)]
    stays = kept(retained(trials, Policy(1, direction, zone), choosing=False))
    candidates = [Candidate(t.number, 9, t.objective, t.alpha, 0.5) for t in trials]
    ranked = by_closeness(candidates, zone=zone, direction=direction)
    for size in range(1, len(ranked) + 1):
        assert by_objective(ranked[:size], direction)[0].number in stays
