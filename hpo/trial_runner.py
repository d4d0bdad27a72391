"""One trial after another in one process: run it, tell the study, tidy up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import optuna
from optuna.trial import TrialState

from hpo.budget import Budget
from hpo.dashboard import Describing
from hpo.errors import GoldilocksError, in_a_line
from hpo.ledger import Ledger
from hpo.measuring import Initial
from hpo.meter import BudgetSpent, Clock
from hpo.objective import TrialObjective
from hpo.pruning import rung_epochs
from hpo.record import WORKER
from hpo.retention import apply_retention
from hpo.rules import replicate_rules, rules_of
from hpo.rung_features import features_keeper
from hpo.storage import StudyDirectory
from hpo.trial_training import untrained_of
from hpo.workers.crew import crew_of
from hpo.workload import Workload
from objectives import get_measure

_MAX_FAILURES_IN_A_ROW = 3


class TrialsFailedError(GoldilocksError, RuntimeError):
    """Raised when one trial after another ends with an error."""


class Failures:
    """Counts the trials in a row, of whatever worker, that ended with an error."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def count(self, error: str) -> None:
        """Take note of how a trial ended.

        Args:
            error: what it failed with; empty when it did not.

        Raises:
            TrialsFailedError: at the third failure in a row.
        """
        self._in_a_row = self._in_a_row + 1 if error else 0
        if self._in_a_row >= _MAX_FAILURES_IN_A_ROW:
            raise TrialsFailedError(
                f"{self._in_a_row} trials in a row ended with an error, the last with: {error}"
            )


@dataclass
class Reports:
    """What a runner says while it works; by default to nobody.

    Args:
        epoch: a trial finished an epoch.
        changed: the study's trials are no longer what they were.
        note: one line worth keeping.
    """

    epoch: Callable[[int, int], None] = lambda number, epoch: None
    changed: Callable[[], None] = lambda: None
    note: Callable[[str], None] = lambda text: None


class TrialRunner:
    """Runs trials of a study, one after another.

    Args:
        study: where they are recorded.
        directory: where checkpoints lie.
        workload: what they are trained and measured on.
        initial: the untrained network of the study's seed.
        clock: ticks with every step.
        reports: who is told.
        worker: number of the worker this is, from 0.
    """

    def __init__(
        self,
        study: optuna.Study,
        directory: StudyDirectory,
        workload: Workload,
        initial: Initial,
        clock: Clock,
        reports: Reports,
        *,
        worker: int = 0,
    ) -> None:
        config = workload.config
        self.study, self.directory, self.config = study, directory, config
        self.clock, self.reports, self.worker = clock, reports, worker
        self.budget = Budget.of(config)
        self.ledger = Ledger(
            study,
            self.budget,
            clock,
            n_devices=_devices_of_a_trial(workload),
            images_per_epoch=workload.images_per_epoch,
            lock=directory.deciding,
        )
        clock.judge = self.ledger.decision
        self.rungs = rung_epochs(config.epochs, factor=config.rung_factor, n_rungs=config.rungs)
        self._warned = worker != 0  # once is enough for all
        self._trial_started = self._trial_started_at = 0.0
        workload.gauge.on_batch = clock.tick
        self._describing = Describing(study, directory, reports.note)
        measure = get_measure(config.objective)
        self.objective = TrialObjective(
            space=workload.space,
            plan=workload.plan,
            begin=workload.begin,
            gauge=workload.gauge,
            untrained=partial(untrained_of, workload, initial),
            measure=measure,
            rungs=self.rungs,
            rule=rules_of(config, direction=measure.optimiser_direction),
            replicate_rule=replicate_rules(config),
            ledger=self.ledger,
            directory=directory,
            tick=clock.tick,
            on_rung=self._on_rung,
            on_measured=features_keeper(workload, directory, clock.tick),
        )

    def run(self, trial: optuna.Trial) -> str:
        """Run one trial and tell the study; returns the error it failed with, if any."""
        self.clock.watch(trial._trial_id)
        self._trial_started, self._trial_started_at = time.monotonic(), self.clock.seconds
        if trial.user_attrs.get(WORKER) != self.worker:
            trial.set_user_attr(WORKER, self.worker)
        self.reports.changed()
        error = ""
        try:
            self.complete(trial, self.objective(trial))
        except optuna.TrialPruned:
            self.prune(trial)
        except BudgetSpent as spent:
            self._outcome(trial, "budget", str(spent))
            self.prune(trial)
        except (RuntimeError, MemoryError) as failure:
            # Python's and torch's own (out of memory, a failed factorisation) end one trial only.
            error = in_a_line(failure)
            self.fail(trial, error)
        finally:
            self.clock.watch(None)
        self.reports.changed()
        return error

    def complete(self, trial: optuna.Trial, value: float) -> None:
        """Tell the study that a trial got to its end."""
        self._tell(trial, value=value)
        apply_retention(self.study, self.directory, self.config)

    def prune(self, trial: optuna.Trial) -> None:
        """Tell the study that a trial was stopped; its attributes say why."""
        self._tell(trial, state=TrialState.PRUNED)
        apply_retention(self.study, self.directory, self.config)

    def fail(self, trial: optuna.Trial, error: str) -> None:
        """Tell the study that a trial ended with an error."""
        self._outcome(trial, "error", error)
        self._tell(trial, state=TrialState.FAIL)
        self.reports.note(f"trial {trial.number}: failed: {error}")

    def _tell(
        self,
        trial: optuna.Trial,
        *,
        value: float | None = None,
        state: TrialState | None = None,
    ) -> None:
        self._describing.ending(trial)
        self.study.tell(trial, value, state=state)
        self._describing.ended(trial.number)

    def _outcome(self, trial: optuna.Trial, kind: str, reason: str) -> None:
        trial.set_user_attr("outcome", {"kind": kind, "reason": reason})

    def _on_rung(self, number: int, epoch: int) -> None:
        self.reports.epoch(number, epoch)
        if epoch == 1 and not self._warned:
            self._warned = True
            whole = (time.monotonic() - self._trial_started) * self.config.epochs
            warning = self.budget.shortfall(self._trial_started_at, whole)
            if warning:
                self.reports.note(
                    f"{warning}; the best at the highest rung will be chosen. Fewer --epochs, "
                    "a smaller --image-size or --max-images would let trials finish"
                )
        if epoch in self.rungs[:-1]:
            self.reports.changed()


def _devices_of_a_trial(workload: Workload) -> float:
    """Devices that a trial uses; a part of one where several trials share a GPU."""
    config = workload.config
    if config.engine == "ray" and workload.device.type == "cuda":
        return config.gpus_per_trial or config.devices
    if workload.device.type == "cuda" and config.devices == 1:
        return 1 / crew_of(config).n_workers
    return config.devices
