"""What was decided, stored with the trial."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpo.decision import Decision
from hpo.ordering import DECISION, ORDER
from hpo.pruners.reading import COLLAPSE

OUTCOME = "outcome"  # trial attribute: what ended it early, and why


def store_stop(study: optuna.Study, trial: FrozenTrial, decision: Decision) -> None:
    """Store the reason and the evidence of a stop; what was stored before stays.

    A collapsed trial is also marked as infeasible, so that the sampler learns "never here" and
    not "late here".

    Args:
        study: of the trial.
        trial: who is stopped; of one that has ended already nothing is stored.
        decision: why.
    """
    epoch = trial.last_step
    # What `should_prune` hands over knows only the attributes that were set through that `Trial`.
    stored = study._storage.get_trial(trial._trial_id)
    if stored.state != TrialState.RUNNING:
        return
    new: dict[str, Any] = {OUTCOME: {"kind": decision.kind, "reason": decision.reason}}
    if epoch is not None:
        # Without a place of its own a report is the first of all; its decision comes after it.
        place = stored.user_attrs.get(f"{ORDER}{epoch}", -1) + 1
        new[f"{DECISION}{epoch}"] = {"order": place, **asdict(decision)}
    if decision.kind == "collapse":
        new[COLLAPSE] = decision.reason
    for name, value in new.items():
        if name not in stored.user_attrs:
            study._storage.set_trial_user_attr(trial._trial_id, name, value)
    if decision.kind == "collapse" and COLLAPSE not in stored.constraints:
        _mark_infeasible(study, stored)


def _mark_infeasible(study: optuna.Study, trial: FrozenTrial) -> None:
    """Set the constraint that `Trial.set_constraint` would set: no pruner is given a `Trial`."""
    marked = copy.deepcopy(trial)
    marked.set_constraint(COLLAPSE, 1.0)
    for name, value in marked.system_attrs.items():
        if name not in trial.system_attrs:
            study._storage.set_trial_system_attr(trial._trial_id, name, value)
