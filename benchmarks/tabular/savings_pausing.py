"""Halving that pauses instead of stopping: who waits at a rung may go on when more is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.tabular.savings_walk import Arrival, ByRule, Walk
from hpo.goldilocks import Candidate, Direction
from hpo.history import Reading, Rule
from hpo.pruning import halving_decision


@dataclass
class Pausing:
    """Asynchronous successive halving by promotion, one worker.

    Whenever the worker is free, the best of those that wait at the highest rung at which it is
    among the top 1/factor goes on; if nobody is, a new trial starts.

    Args:
        arrival: the trials.
        rule: stops what is dead, and nobody else.
        factors: one in so many goes on, at each rung but the last.
        direction: of the objective.
        all_first: whether all trials reach the first rung before anybody goes on: then the order
            of arrival changes nothing.
        min_peers: with fewer others at a rung nobody goes on yet, >= 1.
    """

    arrival: Arrival
    rule: Rule
    factors: tuple[int, ...]
    direction: Direction
    all_first: bool = False
    min_peers: int = 3
    walk: Walk = field(init=False)

    def run(self) -> Walk:
        """Let every trial come, and go on while anybody may."""
        self._judge = ByRule(self.rule)
        self.walk = Walk(self.arrival, self._judge)
        self._waiting: list[list[Reading]] = [[] for _ in self.arrival.rungs]
        n, started = len(self.arrival.readings), 0
        while True:
            going = None if self.all_first and started < n else self._promoted()
            if going is not None:
                self._train(*going)
            elif started < n:
                self._train(started, 0)
                started += 1
            else:
                return self.walk

    def candidates(self) -> list[Candidate]:
        """Return who may be compared at the end."""
        return self.walk.candidates()

    def _promoted(self) -> tuple[int, int] | None:
        sign = -1.0 if self.direction == "maximize" else 1.0
        for k in range(len(self.factors) - 1, -1, -1):
            waiting = self._waiting[k]
            finite = [r for r in waiting if r.objective == r.objective]
            if not finite:
                continue
            # If the best of those who wait is not among the top, none of them is.
            best = min(finite, key=lambda r: (sign * r.objective, r.trial))
            peers = [peer.objective for peer in self._judge.history.peers(best)]
            decision = halving_decision(
                best.objective,
                peers,
                direction=self.direction,
                epoch=best.epoch,
                factor=self.factors[k],
            )
            if len(peers) >= self.min_peers and not decision.stop:
                waiting.remove(best)
                return best.trial, k + 1
        return None

    def _train(self, place: int, k: int) -> None:
        rungs, own = self.arrival.rungs, self.arrival.readings[place]
        self.walk.epochs += rungs[k] - (rungs[k - 1] if k else 0)
        if k >= len(own):
            self._end(place, "collapse")
            return
        self.walk.newest[place] = own[k]
        self.walk.ends[place] = "halving"  # unless it goes on
        decision = self._judge.decide(own[k])
        if decision.stop:
            self._end(place, decision.kind)
        elif k + 1 < len(rungs):
            self._waiting[k].append(own[k])
        else:
            self.walk.finish(place, own[k])

    def _end(self, place: int, kind: str) -> None:
        self.walk.ends[place] = kind
        self._judge.ended(self.walk, place, kind)
