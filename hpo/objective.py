"""One trial as an Optuna objective: train to each rung, measure, report, ask whether to go on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna

from hpo.checkpoint import load_checkpoint, save_checkpoint
from hpo.decision import Decision
from hpo.history import Rule
from hpo.interruption import EpochsEnd, Interrupted
from hpo.judging import Judging, record_stop
from hpo.ledger import Ledger
from hpo.measuring import Gauge, Initial
from hpo.record import THROUGHPUT
from hpo.storage import StudyDirectory
from hpo.training import Diverged, Training, TrainingPlan
from hpo.trial_training import TrialTraining
from objectives import Measure
from search_spaces import SearchSpace

_CHECKPOINT_EVERY_SECONDS = 60.0


@dataclass
class TrialObjective:
    """Trains one configuration and returns its label-free measure at the last rung.

    The trial goes on from its checkpoint when there is one, with the parameters it was given.

    Args:
        space: what varies and what is fixed.
        plan: makes the training plan of a set of hyperparameters and a seed (None: the study's).
        begin: begins the training of a plan, here or on several devices.
        gauge: the fixed measuring conditions.
        untrained: the untrained network that a training under a plan starts from.
        measure: the measure that is optimised.
        rungs: epochs at which to measure, ascending; the last is the end.
        rule: what decides at a rung.
        replicate_rule: the same for a trial that repeats a finalist under another seed.
        ledger: is asked for what the way to a rung costs, and told what was spent.
        directory: where checkpoints lie.
        tick: called after every step; what it raises ends the trial without a verdict.
        on_rung: called after each rung and each epoch, for whoever shows progress.
        on_measured: called when a rung was measured, before it is recorded.
    """

    space: SearchSpace
    plan: Callable[[Mapping[str, Any], int | None], TrainingPlan]
    begin: Callable[[TrainingPlan], Training]
    gauge: Gauge
    untrained: Callable[[TrainingPlan], Initial]
    measure: Measure
    rungs: Sequence[int]
    rule: Rule
    replicate_rule: Rule
    ledger: Ledger
    directory: StudyDirectory
    tick: Callable[[], None] = field(default=lambda: None)
    on_rung: Callable[[int, int], None] = field(default=lambda number, epoch: None)
    on_measured: Callable[[int, Training], None] = field(default=lambda number, training: None)

    @property
    def judging(self) -> Judging:
        """What is made of the measures at a rung."""
        return Judging(self.measure, self.rule, self.replicate_rule, self.directory)

    def __call__(self, trial: optuna.Trial) -> float:
        """Run the trial.

        Returns:
            The objective at the last rung, in the direction of `measure.optimiser_direction`.

        Raises:
            optuna.TrialPruned: when the trial collapsed or fell behind; the reason is stored.
        """
        hyperparameters = self.suggest(trial)
        plan = self.plan(hyperparameters, trial.user_attrs.get("seed"))
        initial = self.untrained(plan)
        run = TrialTraining(self.begin(plan), self.gauge, initial)
        path = self.directory.newest_checkpoint(trial.number)
        if path is not None:
            run.restore(load_checkpoint(path))
        objective = math.nan
        try:
            for rung in self.rungs:
                objective = self._reach(trial, run, rung)
        finally:
            self.ledger.record(trial, epochs=0, images=0, device_seconds=0.0, force=True)
            record_pace(trial, run.train_seconds, run.measure_seconds, run.n_images)
        return objective

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """Draw what varies and record it, once; a trial that was drawn before keeps its values.

        Returns:
            All hyperparameters, fixed ones included.
        """
        drawn: dict[str, Any] | None = trial.user_attrs.get("hyperparameters")
        if drawn is not None:
            return drawn
        drawn = self.space.suggest(trial)
        # Values with another record of how they were measured must not be ranked with these.
        trial.set_user_attr("measured_as", self.gauge.record_digest())
        trial.set_user_attr("hyperparameters", drawn)
        return drawn

    def _reach(self, trial: optuna.Trial, run: TrialTraining, rung: int) -> float:
        """Train to a rung unless that was done before, then report it and ask."""
        if str(rung) not in run.rungs:
            claimed = self.ledger.claim(trial, rung, done=run.epoch)
            if claimed.stop:
                raise _stopped(trial, claimed)
            try:
                self._train(trial, run, rung)
            except Diverged as diverged:
                raise _stopped(trial, self.judging.broken(trial, rung, str(diverged))) from None
            self._measure(trial, run, rung)
            save_checkpoint(self.directory.checkpoint(trial.number), run.state())
            self.directory.between_rungs(trial.number).unlink(missing_ok=True)
        decision, objective = self.judging.decide(trial, rung, run.rungs[str(rung)])
        self.on_rung(trial.number, rung)
        if decision.stop:
            raise _stopped(trial, decision)
        return objective

    def _train(self, trial: optuna.Trial, run: TrialTraining, rung: int) -> None:
        saved = time.monotonic()
        end = EpochsEnd(run.training.steps_per_epoch, self.tick)

        def step(n_images: int, seconds: float) -> None:
            self.ledger.record_images(trial, n_images, device_seconds=seconds)
            end.step()

        def epoch(number: int) -> None:
            nonlocal saved
            self.on_rung(trial.number, number)
            if end.reached() or time.monotonic() - saved > _CHECKPOINT_EVERY_SECONDS:
                self._save_between(trial, run)
                saved = time.monotonic()
            end.leave()

        try:
            run.reach(rung, step, epoch)
        except RuntimeError:
            # The signal that we are about to heed may have ended a process that trains with us.
            end.leave()
            raise

    def _measure(self, trial: optuna.Trial, run: TrialTraining, rung: int) -> None:
        before = run.measure_seconds
        try:
            run.measure()
            seconds = run.measure_seconds - before
            self.ledger.record(trial, epochs=0, images=0, device_seconds=seconds, force=True)
            self.on_measured(trial.number, run.training)
        except Interrupted:
            # Measuring changes nothing: all of this training is kept, and the rung is still to do.
            run.rungs.pop(str(rung), None)
            self._save_between(trial, run)
            raise

    def _save_between(self, trial: optuna.Trial, run: TrialTraining) -> None:
        save_checkpoint(self.directory.between_rungs(trial.number), run.state())


def record_pace(
    trial: optuna.Trial, train_seconds: float, measure_seconds: float, n_images: int
) -> None:
    """Record what a trial's training and measuring took, and how many images it trained on."""
    trial.set_user_attr("seconds", {"train": train_seconds, "measure": measure_seconds})
    if n_images:
        trial.set_user_attr(THROUGHPUT, n_images / train_seconds)


def _stopped(trial: optuna.Trial, decision: Decision) -> optuna.TrialPruned:
    record_stop(trial, decision)
    return optuna.TrialPruned(decision.reason)
