"""Trials that arrive one after the other, or on several workers, and stop where a judge says so."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hpo.budget import Budget, Spend
from hpo.decision import Decision
from hpo.goldilocks import Candidate
from hpo.history import Reading, Rule
from hpo.replay.growing_history import GrowingHistory

_IDLE = -1


@dataclass(frozen=True)
class Arrival:
    """The trials of a cell in one order, numbered by it as a study would number them.

    Args:
        rungs: epochs, ascending.
        readings: of each trial; fewer than rungs where its training broke.
        pace: seconds an epoch of each.
        numbers: of the same trials in the table.
    """

    rungs: tuple[int, ...]
    readings: tuple[tuple[Reading, ...], ...]
    pace: tuple[float, ...]
    numbers: tuple[int, ...]


class Judge(Protocol):
    """Whoever decides at rungs."""

    def decide(self, reading: Reading) -> Decision:
        """Judge a trial by its newest reading."""
        ...

    def ended(self, walk: Walk, place: int, kind: str) -> None:
        """Take note that a trial ended; `kind` is "finished", or that of its stop."""
        ...


@dataclass
class Walk:
    """One pass over an arrival; `run` fills it.

    Args:
        arrival: the trials.
        judge: stops them.
        n_workers: trials at once, >= 1.
        budget: refuses trials and rungs that it does not pay for; None for no limit.
        epochs: trained so far, by all trials together.
        finished: those that went through to the end alive.
        newest: reading of each trial, by place.
        ends: kind of the end of each trial, by place.
    """

    arrival: Arrival
    judge: Judge
    n_workers: int = 1
    budget: Budget | None = None
    epochs: int = 0
    finished: list[Candidate] = field(default_factory=list)
    newest: dict[int, Reading] = field(default_factory=dict)
    ends: dict[int, str] = field(default_factory=dict)

    def run(self) -> Walk:
        """Let every trial come; a worker takes the next as soon as it is free."""
        coming = iter(range(len(self.arrival.readings)))
        rungs = self.arrival.rungs
        clock = [(0.0, worker, _IDLE, 0) for worker in range(self.n_workers)]
        while clock:
            now, worker, place, k = heapq.heappop(clock)
            if place == _IDLE:
                place = next(coming, _IDLE)
                if place == _IDLE or self._starts_nobody():
                    continue
                k = -1
            elif not self._goes_on(place, k):
                self.judge.ended(self, place, self.ends[place])
                heapq.heappush(clock, (now, worker, _IDLE, 0))
                continue
            way = rungs[k + 1] - (rungs[k] if k >= 0 else 0)
            self.epochs += way
            then = now + way * self.arrival.pace[place]
            heapq.heappush(clock, (then, worker, place, k + 1))
        return self

    def candidates(self) -> list[Candidate]:
        """Return who may be compared at the end, as `hpo.candidates.candidates_of` does."""
        if self.finished:
            return self.finished
        alive = [r for place, r in self.newest.items() if self.ends[place] != "collapse"]
        highest = max((reading.epoch for reading in alive), default=0)
        return [candidate_of(reading) for reading in alive if reading.epoch == highest]

    def _goes_on(self, place: int, k: int) -> bool:
        own = self.arrival.readings[place]
        if k >= len(own):  # the training broke on its way to this rung
            self.ends[place] = "collapse"
            return False
        self.newest[place] = own[k]
        decision = self.judge.decide(own[k])
        if decision.stop:
            self.ends[place] = decision.kind
            return False
        rungs = self.arrival.rungs
        if k + 1 == len(rungs):
            self.finish(place, own[k])
            return False
        spent, way = Spend(epochs=self.epochs), Spend(epochs=rungs[k + 1] - rungs[k])
        if self.budget is not None and self.budget.claim_decision(spent, way).stop:
            self.ends[place] = "budget"
            return False
        return True

    def _starts_nobody(self) -> bool:
        if self.budget is None:
            return False
        rungs, spent = self.arrival.rungs, Spend(epochs=self.epochs)
        first, whole = Spend(epochs=rungs[0]), Spend(epochs=rungs[-1])
        any_finished = bool(self.finished)
        return self.budget.next_trial_decision(spent, first, whole, any_finished).stop

    def finish(self, place: int, reading: Reading) -> None:
        """Take note that a trial went through to the end alive."""
        self.ends[place] = "finished"
        self.finished.append(candidate_of(reading))


class ByRule:
    """Judges by a rule of the product, on all that arrived so far.

    Args:
        rule: that decides.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule, self.history = rule, GrowingHistory()

    def decide(self, reading: Reading) -> Decision:
        """Record the reading, then ask."""
        self.history.add(reading)
        return self.rule.decide(reading, self.history)

    def ended(self, walk: Walk, place: int, kind: str) -> None:
        """Bury what is dead."""
        if kind == "collapse":
            self.history.bury(place)


def candidate_of(reading: Reading) -> Candidate:
    """Return what the choice sees of a trial."""
    nan = float("nan")
    alpha, moved = reading.values.get("alpha_req", nan), reading.values.get("moved", nan)
    return Candidate(reading.trial, reading.epoch, reading.objective, alpha, moved)


def arrive(
    readings: Sequence[tuple[int, tuple[Reading, ...], float]], rungs: tuple[int, ...]
) -> Arrival:
    """Number trials by their order.

    Args:
        readings: number in the table, readings and pace of each trial, in the order of arrival.
        rungs: epochs, ascending.
    """
    return Arrival(
        rungs,
        tuple(
            tuple(Reading(place, r.epoch, r.objective, r.values, r.finding) for r in own)
            for place, (_, own, _) in enumerate(readings)
        ),
        tuple(pace for *_, pace in readings),
        tuple(number for number, *_ in readings),
    )
