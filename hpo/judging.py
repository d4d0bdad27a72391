"""What is made of a trial's measures at a rung: the record, the decision and the outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna

from hpo.dashboard.spectrum import SPECTRUM
from hpo.deciding import decide_broken, report_and_decide
from hpo.decision import Decision
from hpo.history import Finding, Rule
from hpo.pruning.collapse import UNDEFINED
from hpo.storage import StudyDirectory
from objectives import Measure


@dataclass(frozen=True)
class Judging:
    """Records what a trial was measured as, and decides; the same under any engine.

    Args:
        measure: that is optimised.
        rule: what decides at a rung.
        replicate_rule: the same for a trial that repeats a finalist under another seed.
        directory: keeps the order of reports and decisions among processes.
    """

    measure: Measure
    rule: Rule
    replicate_rule: Rule
    directory: StudyDirectory

    def decide(
        self, trial: optuna.Trial, rung: int, record: Mapping[str, Any]
    ) -> tuple[Decision, float]:
        """Report a rung and decide whether the trial goes on.

        Args:
            trial: the running trial.
            rung: epoch of it.
            record: as `TrialTraining.measure` returned it.

        Returns:
            The decision, and the objective in the study's direction.
        """
        values = record["values"]
        objective, found = judged(self.measure, rung, record)
        if record.get("spectrum") is not None:
            trial.set_user_attr(f"{SPECTRUM}{rung}", record["spectrum"])
        repeats = "replicate_of" in trial.user_attrs
        with self.directory.deciding():
            decision = report_and_decide(
                trial,
                rung,
                objective,
                values,
                found,
                self.replicate_rule if repeats else self.rule,
            )
        return decision, objective

    def broken(self, trial: optuna.Trial, rung: int, why: str) -> Decision:
        """Record that a trial's training diverged on its way to a rung.

        Args:
            trial: the running trial.
            rung: epoch of the rung that it did not reach.
            why: as `hpo.training.Diverged` says it.
        """
        with self.directory.deciding():
            return decide_broken(trial, rung, f"not finite: {why}")


def judged(measure: Measure, rung: int, record: Mapping[str, Any]) -> tuple[float, Finding | None]:
    """Return what a record says of a trial.

    Args:
        measure: that is optimised.
        rung: epoch of the record.
        record: as `TrialTraining.measure` returned it.

    Returns:
        The objective as an optimiser sees it; and the collapse that was seen, which an objective
        without a finite value is too.
    """
    objective = measure.objective(record["values"].get(measure.name, math.nan))
    found = None if record["finding"] is None else Finding(**record["finding"])
    if found is None and not math.isfinite(objective):
        reason = f"{measure.name} is undefined at epoch {rung}"
        found = Finding(UNDEFINED, measure.layer, reason)
    return objective, found


def record_stop(trial: optuna.Trial, decision: Decision) -> None:
    """Record why a trial is stopped; call it before the study is told that it was pruned."""
    trial.set_user_attr("outcome", {"kind": decision.kind, "reason": decision.reason})
    if decision.kind == "collapse":
        trial.set_user_attr("collapse", decision.reason)
        frozen = trial.study.get_trials(deepcopy=False)[trial.number]
        if "collapse" not in frozen.constraints:
            # Infeasible, not failed: the sampler learns "never here" and stays away.
            trial.set_constraint("collapse", 1.0)
