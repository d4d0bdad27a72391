"""One trial as an Optuna objective: train to each rung, measure, report, ask whether to go on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import optuna

from hpo.checkpoint import load_checkpoint, save_checkpoint
from hpo.deciding import decide_broken, report_and_decide
from hpo.decision import Decision
from hpo.history import Finding, Rule
from hpo.ledger import Ledger
from hpo.measuring import Gauge, Initial, Measurement
from hpo.pruning import findings
from hpo.record import THROUGHPUT
from hpo.storage import StudyDirectory
from hpo.training import Diverged, Training, TrainingPlan
from objectives import Measure
from search_spaces import SearchSpace

_CHECKPOINT_EVERY_SECONDS = 60.0


@dataclass
class LabelFreeObjective:
    """Trains one configuration and returns its label-free measure at the last rung.

    The trial goes on from its checkpoint when there is one, with the parameters it was given.

    Args:
        space: what varies and what is fixed.
        plan: makes the training plan of a set of hyperparameters and a seed (None: the study's).
        begin: begins the training of a plan, here or on several devices.
        gauge: the fixed measuring conditions.
        initial: the untrained network.
        measure: the measure that is optimised.
        rungs: epochs at which to measure, ascending; the last is the end.
        rule: what decides at a rung.
        replicate_rule: the same for a trial that repeats a finalist under another seed.
        ledger: is asked for what the way to a rung costs, and told what was spent.
        directory: where checkpoints lie.
        tick: called after every step; what it raises ends the trial without a verdict.
        on_rung: called after each rung and each epoch, for whoever shows progress.
    """

    space: SearchSpace
    plan: Callable[[Mapping[str, Any], int | None], TrainingPlan]
    begin: Callable[[TrainingPlan], Training]
    gauge: Gauge
    initial: Initial
    measure: Measure
    rungs: Sequence[int]
    rule: Rule
    replicate_rule: Rule
    ledger: Ledger
    directory: StudyDirectory
    tick: Callable[[], None] = field(default=lambda: None)
    on_rung: Callable[[int, int], None] = field(default=lambda number, epoch: None)

    def __call__(self, trial: optuna.Trial) -> float:
        """Run the trial.

        Returns:
            The objective at the last rung, in the direction of `measure.optimiser_direction`.

        Raises:
            optuna.TrialPruned: when the trial collapsed or fell behind; the reason is stored.
        """
        hyperparameters = self.suggest(trial)
        run = _Run(self.begin(self.plan(hyperparameters, trial.user_attrs.get("seed"))))
        path = self.directory.newest_checkpoint(trial.number)
        if path is not None:
            run.restore(load_checkpoint(path))
        objective = math.nan
        try:
            for rung in self.rungs:
                objective = self._reach(trial, run, rung)
        finally:
            self.ledger.record(trial, epochs=0, images=0, device_seconds=0.0, force=True)
            trial.set_user_attr(
                "seconds", {"train": run.train_seconds, "measure": run.measure_seconds}
            )
            if run.n_images:
                trial.set_user_attr(THROUGHPUT, run.n_images / run.train_seconds)
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

    def _reach(self, trial: optuna.Trial, run: _Run, rung: int) -> float:
        """Train to a rung unless that was done before, then report it and ask."""
        if str(rung) not in run.rungs:
            claimed = self.ledger.claim(trial, rung, done=run.training.epoch)
            if claimed.stop:
                raise self._stopped(trial, claimed)
            try:
                self._train(trial, run, rung)
            except Diverged as diverged:
                with self.directory.deciding():
                    broken = decide_broken(trial, rung, f"not finite: {diverged}")
                raise self._stopped(trial, broken) from None
            self._measure(trial, run, rung)
            save_checkpoint(self.directory.checkpoint(trial.number), run.state())
            self.directory.between_rungs(trial.number).unlink(missing_ok=True)
        decision, objective = self._decide(trial, run, rung)
        if decision.stop:
            raise self._stopped(trial, decision)
        return objective

    def _train(self, trial: optuna.Trial, run: _Run, rung: int) -> None:
        saved = time.monotonic()
        n_images = run.training.plan.batch_size
        while run.training.epoch < rung:
            started = counted = time.monotonic()

            def step() -> None:
                nonlocal counted
                run.n_images += n_images
                now = time.monotonic()
                self.ledger.record_images(trial, n_images, device_seconds=now - counted)
                counted = now
                self.tick()

            try:
                run.loss = run.training.run_epoch(step)
            finally:
                run.train_seconds += time.monotonic() - started
            self.on_rung(trial.number, run.training.epoch)
            if time.monotonic() - saved > _CHECKPOINT_EVERY_SECONDS:
                save_checkpoint(self.directory.between_rungs(trial.number), run.state())
                saved = time.monotonic()

    def _measure(self, trial: optuna.Trial, run: _Run, rung: int) -> None:
        started = time.monotonic()
        measurement = self.gauge.measure(run.training.learner, self.initial)
        seconds = time.monotonic() - started
        run.measure_seconds += seconds
        self.ledger.record(trial, epochs=0, images=0, device_seconds=seconds, force=True)
        record = self._plain(measurement)
        record["values"]["ssl_loss"] = run.loss
        record["values"]["seconds"] = run.train_seconds + run.measure_seconds
        run.rungs[str(rung)] = record

    def _plain(self, measurement: Measurement) -> dict[str, Any]:
        initial = self.initial
        found = findings(
            measurement.backbone,
            measurement.projector,
            references=(initial.backbone, initial.projector),
        )
        return {
            "values": dict(measurement.values),
            "finding": None if found is None else asdict(found),
        }

    def _decide(self, trial: optuna.Trial, run: _Run, rung: int) -> tuple[Decision, float]:
        record = run.rungs[str(rung)]
        values = record["values"]
        objective = self.measure.objective(values.get(self.measure.name, math.nan))
        found = None if record["finding"] is None else Finding(**record["finding"])
        if found is None and not math.isfinite(objective):
            reason = f"{self.measure.name} is undefined at epoch {rung}"
            found = Finding("undefined", self.measure.layer, reason)
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
        self.on_rung(trial.number, rung)
        return decision, objective

    def _stopped(self, trial: optuna.Trial, decision: Decision) -> optuna.TrialPruned:
        trial.set_user_attr("outcome", {"kind": decision.kind, "reason": decision.reason})
        if decision.kind == "collapse":
            trial.set_user_attr("collapse", decision.reason)
            frozen = trial.study.get_trials(deepcopy=False)[trial.number]
            if "collapse" not in frozen.constraints:
                # Infeasible, not failed: the sampler learns "never here" and stays away.
                trial.set_constraint("collapse", 1.0)
        return optuna.TrialPruned(decision.reason)


@dataclass
class _Run:
    """A training with what was measured on the way; all of it is in the checkpoint."""

    training: Training
    rungs: dict[str, dict[str, Any]] = field(default_factory=dict)
    train_seconds: float = 0.0
    measure_seconds: float = 0.0
    n_images: int = 0
    loss: float = math.nan

    def state(self) -> dict[str, Any]:
        return {
            "training": self.training.state_dict(),
            "rungs": self.rungs,
            "train_seconds": self.train_seconds,
            "measure_seconds": self.measure_seconds,
            "n_images": self.n_images,
            "loss": self.loss,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.training.load_state_dict(state["training"])
        self.rungs = state["rungs"]
        self.train_seconds = state["train_seconds"]
        self.measure_seconds = state["measure_seconds"]
        self.n_images = state["n_images"]
        self.loss = state["loss"]
