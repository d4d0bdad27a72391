"""A report and the decision on it, as one entry in the order of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import optuna

from hpo.decision import Decision
from hpo.history import Finding, Rule
from hpo.ordering import DECISION, FINDING, ORDER, next_order
from hpo.pruners.reading import history_for, reading_of
from hpo.record import RUNG


def report_and_decide(
    trial: optuna.Trial,
    epoch: int,
    objective: float,
    values: Mapping[str, float],
    finding: Finding | None,
    rule: Rule,
) -> Decision:
    """Record what a trial was measured as at a rung, and decide whether it goes on.

    What was recorded before, by a process that has died since, is kept as it is. Call it inside
    `StudyDirectory.deciding` where several processes work on a study.

    Args:
        trial: the running trial.
        epoch: of the rung.
        objective: in the study's direction.
        values: all measures, by name.
        finding: the collapse that was seen, if any.
        rule: what decides.

    Returns:
        The decision, which the trial's attributes now hold with its evidence.
    """
    study = trial.study
    known = study.get_trials(deepcopy=False)[trial.number]
    if f"{DECISION}{epoch}" in known.user_attrs:
        return _stored(known.user_attrs[f"{DECISION}{epoch}"])
    # Attributes first: whoever sees the value must already see what it means.
    new: dict[str, Any] = {f"{RUNG}{epoch}": dict(values)}
    if finding is not None:
        new[f"{FINDING}{epoch}"] = asdict(finding)
    for name, value in new.items():
        if name not in known.user_attrs:
            trial.set_user_attr(name, value)
    if epoch not in known.intermediate_values:
        # Also over the place of a process that died before its report: nobody has seen that.
        trial.set_user_attr(f"{ORDER}{epoch}", next_order(study))
        trial.report(objective, step=epoch)
    frozen = study.get_trials(deepcopy=False)[trial.number]
    reading = reading_of(frozen, epoch)
    if reading is None:
        raise RuntimeError(f"trial {trial.number}: its report at epoch {epoch} was not stored.")
    decision = rule.decide(reading, history_for(study, frozen))
    trial.set_user_attr(f"{DECISION}{epoch}", {"order": next_order(study), **asdict(decision)})
    return decision


def decide_broken(trial: optuna.Trial, epoch: int, reason: str) -> Decision:
    """Record that a trial's training broke on its way to a rung: dead, without a measure.

    Args:
        trial: the running trial.
        epoch: of the rung that it did not reach.
        reason: one sentence.
    """
    decision = Decision(True, reason, "collapse")
    if f"{DECISION}{epoch}" not in trial.user_attrs:
        record = {"order": next_order(trial.study), **asdict(decision)}
        trial.set_user_attr(f"{DECISION}{epoch}", record)
    return decision


def _stored(record: Mapping[str, Any]) -> Decision:
    return Decision(
        stop=bool(record["stop"]),
        reason=str(record["reason"]),
        kind=str(record["kind"]),
        evidence=record["evidence"],
    )
