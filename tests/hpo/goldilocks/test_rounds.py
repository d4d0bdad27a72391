"""Rounds of the online filter: who is probed, however many rounds there are."""

import itertools
import json
import math

from hypothesis import given
from hypothesis import strategies as st

from hpo.goldilocks import (
    EVERYWHERE,
    Candidate,
    Round,
    RoundRules,
    eligible,
    next_round,
    round_shortlist,
)
from hpo.pruning.zone import GOLDILOCKS, Zone, explores
from tests.hpo.goldilocks.made import LEAST, QUICK, candidate, candidate_lists, zones

affordables = st.none() | st.integers(0, 6)


def rules(
    batch: int = 4,
    zone: Zone | None = None,
    explore_share: float = 0.0,
    *,
    filtered: bool = True,
) -> RoundRules:
    return RoundRules(
        batch=batch,
        direction="maximize",
        least_moved=LEAST,
        zone=zone,
        filtered=filtered,
        explore_share=explore_share,
    )


def play(
    batches: list[list[Candidate]],
    accuracy: dict[int, float],
    how: RoundRules,
    affordable: int | None = None,
) -> list[Round]:
    """Play rounds one after another; whoever is listed is probed."""
    known: list[Candidate] = []
    rounds: list[Round] = []
    probed: dict[int, float] = {}
    for batch in batches:
        known += batch
        rounds.append(next_round(known, rounds, probed, how, affordable=affordable))
        probed |= {number: accuracy[number] for number in rounds[-1].numbers}
    return rounds


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[list[Candidate]], dict[int, float]]:
    """Draw any number of rounds of any size, and everybody's accuracy."""
    everybody = draw(candidate_lists(min_size=1, max_size=40))
    cuts = sorted(draw(st.sets(st.integers(1, len(everybody)), max_size=12)))
    edges = [0, *cuts, len(everybody)]
    batches = [everybody[a:b] for a, b in itertools.pairwise(edges)]
    accuracy = {c.number: draw(st.floats(0, 1) | st.just(math.nan)) for c in everybody}
    return batches, accuracy


@QUICK
@given(
    history=histories(),
    batch=st.integers(1, 6),
    zone=st.none() | zones,
    explore_share=st.sampled_from([0.0, 0.1, 0.6]),
    affordable=affordables,
)
def test_probes_stay_within_m_times_log_h_plus_one_and_nobody_is_probed_twice(
    history: tuple[list[list[Candidate]], dict[int, float]],
    batch: int,
    zone: Zone | None,
    explore_share: float,
    affordable: int | None,
) -> None:
    rounds = play(*history, rules(batch, zone, explore_share), affordable)
    n_probed = 0
    for h, each in enumerate(rounds, start=1):
        assert each.n_probed == n_probed
        n_probed += len(each.numbers)
        assert n_probed <= batch * (math.log(h) + 1)
    everybody = [number for each in rounds for number in each.numbers]
    assert len(everybody) == len(set(everybody))
    assert sorted(n for each in rounds for n in each.candidates) == sorted(history[1])


@QUICK
@given(
    history=histories(),
    zone=st.none() | zones,
    explore_share=st.sampled_from([0.0, 0.1]),
    affordable=affordables,
)
def test_as_long_as_nothing_was_probed_a_round_with_anybody_eligible_is_never_empty(
    history: tuple[list[list[Candidate]], dict[int, float]],
    zone: Zone | None,
    explore_share: float,
    affordable: int | None,
) -> None:
    so_far: list[Candidate] = []
    for batch, each in zip(
        history[0], play(*history, rules(4, zone, explore_share), affordable), strict=True
    ):
        so_far += batch
        anybody = len(eligible(so_far, least_moved=LEAST)) < len(so_far)
        if each.n_probed == 0 and anybody:
            assert each.numbers


@QUICK
@given(
    new=candidate_lists(),
    zone=zones,
    quota=st.integers(0, 8),
    n_probed=st.integers(0, 3),
    explore_share=st.sampled_from([0.0, 0.1, 0.5]),
    affordable=st.tuples(st.integers(0, 10), st.integers(0, 10)).map(sorted),
)
def test_more_affordable_never_gives_fewer(
    new: list[Candidate],
    zone: Zone,
    quota: int,
    n_probed: int,
    explore_share: float,
    affordable: list[int],
) -> None:
    lists = [
        round_shortlist(
            new,
            zone=zone,
            quota=quota,
            n_probed=n_probed,
            rules=rules(explore_share=explore_share),
            affordable=limit,
        )
        for limit in (*affordable, None)
    ]
    few, more, most = (len(listed.numbers) for listed in lists)
    assert few <= more <= most <= max(quota, 1 if n_probed == 0 else 0)
    for listed in lists:
        assert set(listed.numbers).isdisjoint(listed.excluded)
        assert {*listed.numbers, *listed.excluded} == {c.number for c in new}


@QUICK
@given(history=histories(), explore_share=st.sampled_from([0.0, 0.3]))
def test_a_round_survives_being_written_as_json(
    history: tuple[list[list[Candidate]], dict[int, float]], explore_share: float
) -> None:
    for each in play(*history, rules(3, None, explore_share)):
        written = json.dumps(each.as_json(), allow_nan=False)
        assert Round.from_json(json.loads(written)) == each


def test_the_first_round_probes_everybody_up_to_the_quota_the_best_first() -> None:
    far = [candidate(i, float(i), alpha=3.0 - 0.1 * i) for i in range(5)]
    first = next_round(far, [], {}, rules())
    assert first.numbers == (4, 3, 2, 1)
    assert first.zone == EVERYWHERE
    assert first.excluded == {0: "α 3.00 was not probed: the number of rounds allowed 4 more"}
    # A zone that was given bars nobody either while nothing was probed.
    assert next_round(far, [], {}, rules(zone=GOLDILOCKS)).numbers == (4, 3, 2, 1)


def test_the_window_stays_open_until_there_is_enough_evidence_then_spans_the_winners() -> None:
    alphas = [1.0, 1.1, 1.2, 2.0, 1.05, 1.8, 1.15, 2.5]
    best = {4: 9.0, 6: 8.0}
    everybody = [candidate(i, best.get(i, 1.0), alpha=a) for i, a in enumerate(alphas)]
    both = [everybody[k : k + 4] for k in (0, 4)]
    accuracy = {i: 1.0 - abs(a - 1.1) for i, a in enumerate(alphas)}
    late = [candidate(8, alpha=2.4), candidate(9, alpha=1.13)]
    first, second, third = play([*both, late], accuracy | {8: 0.0, 9: 1.0}, rules())
    assert first.zone == second.zone == EVERYWHERE
    assert second.numbers == (4, 6)  # two more, the best by the objective
    assert (third.zone.low, round(third.zone.high, 6)) == (1.0, 1.2)
    assert third.excluded[8] == "α 2.40 is outside the window [1, 1.2]"
    assert third.numbers == (9,)


def test_who_was_passed_over_comes_back_when_there_is_a_place_but_after_the_new() -> None:
    old, new = candidate(0, 9.0, alpha=1.0), candidate(1, 1.0, alpha=1.1)
    listed = round_shortlist([new], [old], zone=GOLDILOCKS, quota=2, n_probed=4, rules=rules())
    assert listed.numbers == (1, 0)
    listed = round_shortlist([new], [old], zone=GOLDILOCKS, quota=1, n_probed=4, rules=rules())
    assert listed.numbers == (1,)


def test_exploring_trials_have_a_place_although_they_are_outside() -> None:
    share = 0.1
    slot = next(number for number in range(100) if explores(number, share))
    outside = candidate(slot, alpha=3.0)
    many = [candidate(number, alpha=1.0) for number in range(100, 105)]
    other = candidate(slot + 1, alpha=3.0)
    listed = round_shortlist(
        [*many, outside, other],
        zone=GOLDILOCKS,
        quota=3,
        n_probed=4,
        rules=rules(explore_share=share),
    )
    assert listed.numbers == (100, 101, slot)
    assert listed.exploring == (slot,)
    assert listed.excluded[slot + 1] == "α 3.00 is outside the window [0.8, 1.2]"
    alone = round_shortlist(
        [outside], zone=GOLDILOCKS, quota=1, n_probed=4, rules=rules(explore_share=share)
    )
    assert alone.numbers == (slot,)


def test_the_reserve_is_named_when_it_is_what_is_short() -> None:
    three = [candidate(i) for i in range(3)]
    listed = next_round(three, [], {}, rules(), affordable=2)
    assert listed.excluded == {2: "α 1.00 was not probed: the probe reserve paid for 2 more"}
    assert next_round(three, [], {}, rules(), affordable=0).numbers == (0,)


def test_a_missing_backbone_is_never_listed_and_takes_nobodys_place() -> None:
    three = [candidate(i) for i in range(3)]
    decided = next_round(three, [], {}, rules(batch=2), unavailable={0: "gone"})
    assert decided.numbers == (1, 2)
    assert decided.excluded == {0: "gone"}
    assert decided.candidates == (0, 1, 2)


def test_without_the_filter_everybody_is_probed_that_the_reserve_pays_for() -> None:
    rounds = [[candidate(4 * h + i, alpha=1.0 + h) for i in range(4)] for h in range(5)]
    accuracy = {number: 1.0 / (1 + number) for number in range(20)}
    assert [len(r.numbers) for r in play(rounds, accuracy, rules(filtered=False))] == [4] * 5
    assert {r.zone for r in play(rounds, accuracy, rules(filtered=False))} == {EVERYWHERE}
    short = play(rounds, accuracy, rules(filtered=False), affordable=1)
    assert [len(r.numbers) for r in short] == [1] * 5
