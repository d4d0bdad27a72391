"""Studies of made-up trials on several workers that obey the budget's decisions, in no time."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

from hpo.budget import Budget, Spend

TICKS_PER_EPOCH = 4


@dataclass
class Simulated:
    """One study.

    Args:
        budget: what may be spent.
        rungs: epochs at which trials are measured, ascending.
        seed: of how fast trials are and how they fare.
        n_workers: trials at once.
        images_per_epoch: that a trial trains on.
    """

    budget: Budget
    rungs: tuple[int, ...]
    seed: int
    n_workers: int = 1
    images_per_epoch: int = 100
    spend: Spend = field(default_factory=Spend)
    n_started: int = 0
    n_finished: int = 0
    claimed: dict[int, float] = field(default_factory=dict)
    slowest_epoch_seconds: float = 0.0

    def run(self) -> Simulated:
        """Run it to its end."""
        clock: list[tuple[float, int]] = [(0.0, worker) for worker in range(self.n_workers)]
        trials = dict.fromkeys(range(self.n_workers), iter(()))
        while clock:
            now, worker = heapq.heappop(clock)
            wall = max(now, self.spend.wall_seconds)
            self.spend += Spend(wall_seconds=wall - self.spend.wall_seconds)
            seconds = next(trials[worker], None)
            if seconds is None:
                if not self._may_start():
                    continue
                trials[worker] = self._trial(self.n_started)
                self.n_started += 1
                seconds = 0.0
            heapq.heappush(clock, (now + seconds, worker))
        return self

    def cost(self, n_epochs: int) -> Spend:
        """What epochs cost that is known before."""
        return Spend(epochs=float(n_epochs), images=float(n_epochs * self.images_per_epoch))

    def _may_start(self) -> bool:
        first, whole = self.cost(self.rungs[0]), self.cost(self.rungs[-1])
        known = self._with_claims()
        finished = self.n_finished > 0
        return not self.budget.next_trial_decision(known, first, whole, finished).stop

    def _with_claims(self) -> Spend:
        return self.spend + self.cost(1) * sum(self.claimed.values())

    def _trial(self, number: int):  # type: ignore[no-untyped-def]
        """Yield the seconds of every tick until the trial ends, for whatever reason."""
        fate = random.Random(self.seed * 1000 + number)
        epoch_seconds = fate.choice([0.5, 1.0, 3.0])
        self.slowest_epoch_seconds = max(self.slowest_epoch_seconds, epoch_seconds)
        done = 0
        for rung in self.rungs:
            cost = self.cost(rung - done)
            if self.budget.claim_decision(self._with_claims(), cost).stop:
                return
            self.claimed[number] = float(rung - done)
            for _ in range((rung - done) * TICKS_PER_EPOCH):
                tick = epoch_seconds / TICKS_PER_EPOCH
                yield tick
                self.spend += Spend(device_seconds=tick) + self.cost(1) * (1 / TICKS_PER_EPOCH)
                self.claimed[number] -= 1 / TICKS_PER_EPOCH
                if self.budget.search_decision(self.spend).stop:
                    del self.claimed[number]
                    return
            done = rung
            del self.claimed[number]
            if rung != self.rungs[-1] and fate.random() < 0.5:
                return
        self.n_finished += 1
