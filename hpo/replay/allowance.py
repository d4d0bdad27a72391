"""Another budget in a replay: which rungs it would still have paid for."""

from __future__ import annotations

from dataclasses import replace

from hpo.budget import Budget, Spend
from hpo.decision import Decision
from hpo.replay.cost import NOTHING, Cost
from hpo.replay.recording import Recording
from hpo.replay.replaying import Replay


class Allowance:
    """Lets trials reach their rungs, in recorded order, until the search's part is used up.

    Epochs and images are exact. Time is that which was recorded, divided by the trials at once.

    Args:
        budget: of the whole study.
        recording: what each rung cost.
    """

    def __init__(self, budget: Budget, recording: Recording) -> None:
        self._budget, self._recording = budget, recording
        self._reached: dict[int, Cost] = {}
        self._spent = Spend()
        self.refused = False

    def __call__(self, trial: int, epoch: int) -> Decision:
        """Decide whether the way to a rung is paid for, and pay."""
        cost = self._recording.trials[trial].at_rung[epoch]
        step = self._spend(cost - self._reached.get(trial, NOTHING))
        decision = self._budget.search_decision(self._spent)
        if not decision.stop:
            decision = self._budget.claim_decision(self._spent, step)
        if decision.stop:
            self.refused = True
            return decision
        self._reached[trial] = cost
        self._spent = self._spent + step
        return decision

    def _spend(self, cost: Cost) -> Spend:
        return Spend(
            wall_seconds=cost.device_seconds / self._recording.n_workers,
            device_seconds=cost.device_seconds,
            epochs=cost.epochs,
            images=cost.images,
        )


def beyond_budget(replayed: Replay) -> Replay:
    """Call unknown what only the recorded budget ended, for a budget that would have gone on."""
    ends = {
        number: replace(end, kind="unknown", given=False, reason=f"recorded: {end.reason}")
        if end.given and end.kind == "budget"
        else end
        for number, end in replayed.ends.items()
    }
    return replace(replayed, ends=ends)
