"""The walk and our pipeline, held against the product's own replay."""

import math
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.tabular.savings_arrivals import Measured, Order, orders_of
from benchmarks.tabular.savings_ours import InRounds, Ours, Prepared
from benchmarks.tabular.savings_strategies import searched, strategies, variants
from benchmarks.tabular.savings_walk import ByRule, Walk, arrive
from hpo.decision import GO_ON, Decision
from hpo.history import History, Reading
from hpo.replay import BreakOff, Event, Recording, Replay, Report, TrialRecord, Verdict, replay
from hpo.replay.choosing import choice_of, finished
from hpo.replay.cost import NOTHING
from tests.benchmarks.tabular.made_cells import RUNGS, made_cell, made_order

UNLABELLED = [{}, {"filter": False}, {"filter_share": 0.3, "shortlist_share": 1.0}]
UNLABELLED += [{"rung_factor": 2}, {"zone": "0.6..1.7"}, {"patience": 1}]


def by_product(order: Order, ready: Prepared) -> tuple[Replay, Recording]:
    """The same trials one after the other through `hpo.replay`."""
    events: list[Event] = []
    records = {}
    for place, own in enumerate(order.arrival(ready.strategy.objective).readings):
        for reading in own:
            events += [Report(len(events), reading), Verdict(0, place, reading.epoch, None)]
        whole = len(own) == len(RUNGS)
        if not whole:
            events.append(BreakOff(len(events), place, "collapse", "broke"))
        end = "finished" if whole else "collapse"
        records[place] = TrialRecord(place, end, {}, NOTHING)
    return replay(events, ready.rule), Recording(tuple(events), records)


@pytest.mark.parametrize("options", UNLABELLED)
@pytest.mark.parametrize("seed", range(12))
def test_the_walk_stops_and_chooses_as_the_products_replay(
    options: dict[str, Any], seed: int
) -> None:
    order, ready = made_order(seed, 30), Ours(options).prepared(RUNGS, None)
    replayed, recording = by_product(order, ready)
    walk = Walk(order.arrival("guarded_alpha"), ByRule(ready.rule)).run()
    stopped = {place: kind for place, kind in walk.ends.items() if kind != "finished"}
    assert stopped == {place: end.kind for place, end in replayed.ends.items()}
    candidates = finished(recording, replayed)
    assert sorted(walk.finished, key=lambda c: c.number) == candidates
    _, choice = choice_of(recording, candidates, {}, ready.how)
    chosen = ready.spent(order.arrival("guarded_alpha"), order.known).chosen
    assert chosen == (None if choice is None else (choice.number, RUNGS[-1]))


def test_epochs_are_those_up_to_where_each_trial_ends() -> None:
    order, ready = made_order(1), Ours().prepared(RUNGS, None)
    walk = Walk(order.arrival("guarded_alpha"), ByRule(ready.rule)).run()
    broken = [p for p, own in enumerate(walk.arrival.readings) if len(own) < len(RUNGS)]
    reached = {place: reading.epoch for place, reading in walk.newest.items()}
    for place in broken:
        if reached[place] == RUNGS[0] and walk.ends[place] == "collapse":
            # Trained on the way to a rung that it never reached, unless it was stopped before.
            found = walk.arrival.readings[place][0].finding
            reached[place] = RUNGS[1] if found is None or not found.clear else RUNGS[0]
    assert walk.epochs == sum(reached.values())


def test_two_workers_finish_every_trial_that_nothing_stops() -> None:
    order = made_order(4)
    ready = Ours({"prune": False, "filter": False}, n_workers=2).prepared(RUNGS, None)
    one = Walk(order.arrival("guarded_alpha"), ByRule(ready.rule), 1).run()
    two = Walk(order.arrival("guarded_alpha"), ByRule(ready.rule), 2).run()
    assert two.ends == one.ends
    assert two.epochs == one.epochs


class Counted(dict[tuple[int, int], float]):
    """Accuracies that count who was looked at."""

    def __init__(self, known: dict[tuple[int, int], float]) -> None:
        super().__init__(known)
        self.seen: set[tuple[int, int]] = set()

    def __getitem__(self, key: tuple[int, int]) -> float:
        self.seen.add(key)
        return super().__getitem__(key)


@pytest.mark.parametrize("name", [n for n, ours in variants().items() if "labels" in n])
@pytest.mark.parametrize("seed", range(4))
def test_no_accuracy_is_seen_that_was_not_paid_for(name: str, seed: int) -> None:
    order = made_order(seed)
    known = Counted(order.known)
    spent = variants()[name].prepared(RUNGS, None).spent(order.arrival("guarded_alpha"), known)
    assert len(known.seen) == spent.probes
    assert spent.chosen is None or spent.chosen in known.seen


@pytest.mark.parametrize("seed", range(4))
def test_rounds_probe_at_most_m_times_log_h(seed: int) -> None:
    order, ready = made_order(seed, 60), Ours({"labels": True}).prepared(RUNGS, None)
    judge = InRounds(ready, order.known)
    walk = Walk(order.arrival("guarded_alpha"), judge).run()
    if judge.new(walk.candidates()):
        judge.round(walk.candidates())
    batch, h = ready.config.probe_batch, len(judge.rounds)
    assert 0 < len(judge.history.probed) <= batch * (math.log(h) + 1)


def test_a_fast_trial_overtakes_a_slow_one_on_another_worker() -> None:
    trials = [
        (n, tuple(Reading(n, epoch, 0.0) for epoch in RUNGS), pace)
        for n, pace in enumerate((10.0, 1.0, 1.0))
    ]
    walk = Walk(arrive(trials, RUNGS), ByRule(NeverStops()), 2).run()
    assert [candidate.number for candidate in walk.finished] == [1, 2, 0]


class NeverStops:
    def decide(self, reading: Reading, history: History) -> Decision:
        return GO_ON


def test_orders_differ_and_come_again_with_their_seed() -> None:
    measured = Measured(made_cell(0))
    first, again = ([o.numbers for o in orders_of(measured, 3, 5)] for _ in range(2))
    assert first == again
    assert len({tuple(numbers) for numbers in first}) == 3
    assert all(sorted(numbers) == list(range(20)) for numbers in first)
    assert first != [o.numbers for o in orders_of(measured, 3, 6)]


@pytest.mark.parametrize("seed", range(6))
def test_probing_the_best_looks_at_so_many_by_the_objective(seed: int) -> None:
    order, ready = (
        made_order(seed, 40),
        Ours({"labels": True, "probe_best": 3}).prepared(RUNGS, None),
    )
    known = Counted(order.known)
    walked = ready.walked(order.arrival("guarded_alpha"), known)
    spent = walked.spent()
    may = [c for c in walked.candidates if c.moved >= 0.1]
    top = sorted(may, key=lambda c: -c.objective)[:3]
    assert known.seen == {(c.number, c.epoch) for c in top}
    best = max(top, key=lambda c: order.known[c.number, c.epoch])
    assert spent.chosen == (best.number, best.epoch)
    few = replace(walked, prepared=replace(ready, n_labelled=2)).spent()  # they tell none apart
    assert few.chosen == (top[0].number, top[0].epoch)


def test_the_best_probe_alone_decides_only_where_it_is_asked_for() -> None:
    assert Ours({"labels": True}).prepared(RUNGS, 180).n_labelled == 180
    assert Ours({"labels": True}, within_error=False).prepared(RUNGS, 180).n_labelled is None


def test_a_search_that_is_shared_is_the_one_that_was_asked_for() -> None:
    order = made_order(5, 40)
    shared = {n: searched(o.prepared(RUNGS, None), order).spent() for n, o in variants_here()}
    for name, ours in variants_here():
        own = ours.prepared(RUNGS, None).spent(order.arrival("guarded_alpha"), order.known)
        assert shared[name] == own, name


def variants_here() -> list[tuple[str, Ours]]:
    return [(n, o) for n, o in variants().items() if o.objective == "guarded_alpha"]


def test_names_of_strategies_are_unique() -> None:
    names = [name for each in strategies() for name in each.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_a_budget_is_never_exceeded_and_what_it_pays_for_is_as_without_it(
    seed: int, share: float
) -> None:
    order = made_order(seed, 40)
    arrival = order.arrival("guarded_alpha")
    ready = Ours(budget_share=share).prepared(RUNGS, None)
    allowed = share * 40 * RUNGS[-1]
    judge = ByRule(ready.rule)
    walk = Walk(arrival, judge, budget=ready.budget_of(arrival)).run()
    assert 0 < walk.epochs <= allowed
    free = Walk(arrival, ByRule(ready.rule)).run()
    if free.epochs <= allowed - RUNGS[-1]:
        assert walk.ends == free.ends
    else:
        assert len(walk.ends) < 40 or "budget" in walk.ends.values()
    before = [place for place, kind in walk.ends.items() if kind != "budget"]
    assert all(walk.ends[place] == free.ends[place] for place in before)
