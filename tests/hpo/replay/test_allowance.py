"""Another budget: what it would still have paid for, and what nobody can know."""

from __future__ import annotations

from dataclasses import replace

import optuna

from hpo.budget import Budget, parse_budget
from hpo.decision import GO_ON, Decision
from hpo.history import History, Reading
from hpo.ordering import next_order
from hpo.replay import Report, as_recorded, read_recording, replay
from hpo.replay.allowance import Allowance, beyond_budget
from tests.hpo.replay.simulator import courses, recorded


class Nobody:
    """Stops nobody."""

    def decide(self, reading: Reading, history: History) -> Decision:
        return GO_ON


def test_a_budget_of_epochs_is_never_exceeded_and_taken_in_recorded_order(
    whole: optuna.Study,
) -> None:
    recording = read_recording(whole)
    for limit in (5, 6, 100, 333, 600, 20 * 54):
        budget = Budget(parse_budget(f"{limit} epochs"), 0.0, 0.0)
        now = replay(recording.events, Nobody(), allow=Allowance(budget, recording))
        spent = sum(max((r.epoch for r in now.readings.get(n, ())), default=0) for n in range(20))
        assert spent <= limit
        # What was refused last would not have fitted.
        assert spent > limit - 36 or limit == 20 * 54
        assert {end.kind for end in now.ends.values()} <= {"budget"}
        reached = [e.trial for e in recording.events if isinstance(e, Report)]
        first = reached[0]
        assert (first in now.readings) == (limit >= 6)


def test_a_budget_of_time_is_that_of_all_workers_together(whole: optuna.Study) -> None:
    recording = read_recording(whole)
    assert recording.n_workers == 1
    budget = Budget(parse_budget("500s"), 0.0, 0.0)
    allowance = Allowance(budget, recording)
    now = replay(recording.events, Nobody(), allow=allowance)
    seconds = [2.0 * readings[-1].epoch for readings in now.readings.values()]
    assert 500 <= sum(seconds) < 500 + 72
    assert allowance.refused
    two = replace(recording, n_workers=2)
    now = replay(two.events, Nobody(), allow=Allowance(budget, two))
    assert 1000 <= sum(2.0 * r[-1].epoch for r in now.readings.values()) < 1000 + 72


def test_a_larger_budget_makes_unknown_what_the_old_one_ended() -> None:
    study = recorded(courses(4), prune=False, filter=False)
    trial = study.ask()
    trial.set_user_attr("order/6", next_order(study))
    trial.report(1.0, step=6)
    trial.set_user_attr("outcome", {"kind": "budget", "reason": "all is spent"})
    trial.set_user_attr("spent", {"epochs": 9.0, "images": 900, "device_seconds": 18.0})
    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    recording = read_recording(study)
    assert recording.trials[4].total.epochs == 9.0
    given = as_recorded(recording.events)
    assert given.ends[4].given
    assert beyond_budget(given).ends[4].kind == "unknown"
