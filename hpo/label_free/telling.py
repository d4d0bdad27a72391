"""What a trial tells its study at a rung, and whether it goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import optuna
from optuna.pruners import BasePruner

from hpo.dashboard.spectrum import SPECTRUM
from hpo.decision import Decision
from hpo.errors import ConfigError, in_a_line
from hpo.history import History, Reading
from hpo.label_free.goal import Goal
from hpo.objective import record_pace
from hpo.ordering import FINDING
from hpo.pruners import CollapsePruner, CombinedPruner, report_rung
from hpo.pruners.combined import stop_by
from hpo.pruners.storing import OUTCOME, store_stop
from hpo.pruning import CollapseRule
from hpo.record import RUNG, SPENT

UNMOVED = "unmoved"  # constraint: by how much less than wanted a finished network has moved


@dataclass(frozen=True)
class Gate:
    """When a trial is dead, and when it may never be the best.

    Args:
        prune: whether a collapse ends a trial at the rung that shows it, whatever the study's
            pruner; at the end it always does. A study whose pruner has a `CollapsePruner` leaves
            that to it, with its own settings.
        patience: rungs in a row at which a collapse near its threshold must be seen, >= 1.
        least_moved: distance from initialisation, in [0, 1], below which a finished trial is
            infeasible; 0 for no such constraint.

    Raises:
        ConfigError: for a number out of its range.
    """

    prune: bool = True
    patience: int = 2
    least_moved: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.least_moved <= 1:
            raise ConfigError(f"least_moved: got {self.least_moved}; wanted a number from 0 to 1.")
        CollapseRule(patience=self.patience)  # says what is wrong with it


class Telling:
    """Tells a study what one of its trials was measured as, under the keys of `goldilocks run`.

    Args:
        trial: the running trial.
        goal: what is optimised.
        gate: what ends it as dead.
    """

    def __init__(self, trial: optuna.Trial, goal: Goal, gate: Gate) -> None:
        self.trial, self.goal, self.gate = trial, goal, gate
        self._stops_dead = gate.prune and not _has_collapse_pruner(trial.study.pruner)
        # Of a trial that Optuna retries, which may bring what was reported before it was lost.
        self._earlier = {*self._stored().intermediate_values}
        self._readings: list[Reading] = []
        self._objectives: list[float] = []

    @property
    def n_rungs(self) -> int:
        """Rungs told so far."""
        return len(self._readings)

    def rung(self, epoch: int, record: Mapping[str, Any]) -> None:
        """Record a rung, and report it where there is one objective.

        Args:
            epoch: of it.
            record: as `hpo.trial_training.TrialTraining.measure` returns it.

        Raises:
            ConfigError: when something was reported at this epoch already.
        """
        objectives, found = self.goal.judge(epoch, record)
        values = dict(record["values"])
        if record.get("spectrum") is not None:
            self.trial.set_user_attr(f"{SPECTRUM}{epoch}", record["spectrum"])
        if self.goal.several:
            self.trial.set_user_attr(f"{RUNG}{epoch}", values)
            if found is not None:
                self.trial.set_user_attr(f"{FINDING}{epoch}", asdict(found))
        else:
            if epoch in self._stored().intermediate_values.keys() - self._earlier:
                raise ConfigError(
                    f"train: reported epoch {epoch} itself; what it yields is reported. Leave its "
                    "trial.report and trial.should_prune out."
                )
            report_rung(self.trial, epoch, objectives[0], values, found)
        self._objectives = objectives
        self._readings.append(Reading(self.trial.number, epoch, objectives[0], values, found))

    def ask(self) -> None:
        """Ask whether the trial goes on after the rung that was told last.

        Raises:
            optuna.TrialPruned: when it is dead, or the study's pruner stops it; the reason is
                stored, and a collapse is told as a constraint.
        """
        if self._stops_dead:
            self._stop_if_dead(self.gate.patience)
        if not self.goal.several and self.trial.should_prune():
            pruner, stored = self.trial.study.pruner, self._stored()
            if OUTCOME not in stored.user_attrs:
                store_stop(self.trial.study, stored, stop_by(pruner, stored))
            raise optuna.TrialPruned(self._stored().user_attrs[OUTCOME]["reason"])

    def end(self) -> float | tuple[float, ...]:
        """Return what the trial is worth, measured at the last rung that was told.

        Raises:
            optuna.TrialPruned: when it is dead there: it could never be chosen.
        """
        self._stop_if_dead(patience=1)
        last = self._readings[-1]
        if self.gate.least_moved > 0 and "moved" in last.values:
            short = self.gate.least_moved - last.values["moved"]
            # nan: a distance that could not be taken is no evidence of having learned.
            self.trial.set_constraint(UNMOVED, 1.0 if math.isnan(short) else short)
        return tuple(self._objectives) if self.goal.several else self._objectives[0]

    def stop(self, decision: Decision) -> NoReturn:
        """Store a stop with its reason, and end the trial.

        Raises:
            optuna.TrialPruned: always.
        """
        store_stop(self.trial.study, self._stored(), decision)
        raise optuna.TrialPruned(decision.reason)

    def _stop_if_dead(self, patience: int) -> None:
        rule = CollapseRule(patience=patience)
        decision = rule.decide(self._readings[-1], History(tuple(self._readings)))
        if decision.stop:
            self.stop(decision)

    def _stored(self) -> optuna.trial.FrozenTrial:
        return self.trial.study._storage.get_trial(self.trial._trial_id)


def record_cost(
    trial: optuna.Trial,
    *,
    epochs: float,
    images: int,
    train_seconds: float,
    measure_seconds: float,
    n_devices: int = 1,
) -> None:
    """Record what a trial has spent so far.

    Args:
        trial: the running trial.
        epochs: trained.
        images: trained on; 0 when unknown.
        train_seconds: of training.
        measure_seconds: of measuring.
        n_devices: that it trains on.
    """
    record_pace(trial, train_seconds, measure_seconds, images)
    seconds = (train_seconds + measure_seconds) * n_devices
    trial.set_user_attr(SPENT, {"epochs": epochs, "images": images, "device_seconds": seconds})


@contextmanager
def failure_recorded(trial: optuna.Trial) -> Iterator[None]:
    """Record why a trial fails; the error goes on to Optuna, and `optimize(catch=…)` decides."""
    try:
        yield
    except optuna.TrialPruned:
        raise
    except Exception as error:
        trial.set_user_attr(OUTCOME, {"kind": "error", "reason": in_a_line(error)})
        raise


def _has_collapse_pruner(pruner: BasePruner) -> bool:
    parts = pruner.pruners if isinstance(pruner, CombinedPruner) else (pruner,)
    return any(isinstance(part, CollapsePruner) for part in parts)
