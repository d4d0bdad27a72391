"""The search phase: trials one after another until trials or budget are used up."""

from __future__ import annotations

import statistics
import time
import warnings

import optuna
from optuna.trial import TrialState

from hpo.budget import Budget, format_duration
from hpo.decision import Decision
from hpo.errors import GoldilocksError
from hpo.meter import BudgetSpent, Meter
from hpo.objective import LabelFreeObjective
from hpo.observer import Observer
from hpo.pruner import RungPruner
from hpo.pruning import rung_epochs
from hpo.record import RUNG, read_rows
from hpo.storage import StudyDirectory
from hpo.training import Training
from hpo.workload import Workload
from objectives import get_measure

_MAX_FAILURES_IN_A_ROW = 3
_CHECKPOINTS_AT_ONCE = 4  # one being written, one between rungs, and the last two finished


class TrialsFailedError(GoldilocksError, RuntimeError):
    """Raised when one trial after another ends with an error."""


class Search:
    """Runs the trials of a study.

    Args:
        study: where they are recorded; only this process writes it.
        directory: where checkpoints lie.
        workload: what they are trained and measured on.
        meter: counts the time and says when to stop.
        observer: who watches.
    """

    def __init__(
        self,
        study: optuna.Study,
        directory: StudyDirectory,
        workload: Workload,
        meter: Meter,
        observer: Observer,
    ) -> None:
        config = workload.config
        self.study, self.directory, self.workload = study, directory, workload
        self.meter, self.observer, self.config = meter, observer, config
        self.space = config.space()
        self.budget = Budget(config.budget_seconds, config.probe_share)
        self.rungs = rung_epochs(config.epochs, factor=config.rung_factor)
        untrained = Training(
            workload.plan({**self.space.defaults, **self.space.fixed}),
            workload.train,
            workload.normalisation,
            workload.device,
        )
        directory.check_free(_CHECKPOINTS_AT_ONCE * untrained.checkpoint_bytes)
        workload.gauge.on_batch = meter.tick
        self.initial = workload.gauge.initial(untrained.learner, workload.train)
        self._warned = False
        self._trial_started = self._trial_started_at = 0.0
        self.pruner = RungPruner(factor=config.rung_factor, last_epoch=config.epochs)
        self.objective = LabelFreeObjective(
            space=self.space,
            plan=workload.plan,
            images=workload.train,
            normalisation=workload.normalisation,
            gauge=workload.gauge,
            initial=self.initial,
            measure=get_measure(config.objective),
            rungs=self.rungs,
            pruner=self.pruner,
            directory=directory,
            device=workload.device,
            tick=meter.tick,
            on_rung=self._on_rung,
        )

    def describe(self) -> str:
        """Say what is about to happen."""
        c, w = self.config, self.workload
        images = f"{len(w.train)} to train on, {len(w.gauge.images)} to measure on"
        if w.probe is not None:
            images += f", {len(w.probe.images)} labelled for the probe"
        if w.n_skipped:
            images += f"; {w.n_skipped} could not be read and were skipped"
        limits = [f"{c.n_trials} trials"] if c.n_trials else []
        if self.budget.total_seconds is not None:
            limits.append(
                f"{format_duration(self.budget.total_seconds)} of wall time, "
                f"{format_duration(self.budget.probe_seconds or 0)} of it for probing"
            )
        return (
            f"{c.method} on {c.data}, objective {c.objective} ({self.study.direction.name.lower()})"
            f"\nimages: {images}; {w.backbone.in_channels} x {w.gauge.images.shape[-1]} pixels"
            f"\nbackbone: {w.backbone.name}, {w.backbone.dim} features, on {w.device}"
            f"\nrungs: epochs {', '.join(map(str, self.rungs))}; "
            f"one in {c.rung_factor} goes on"
            f"\nlimits: {' and '.join(limits)}"
            f"\nsearched: {', '.join(self.space) or 'nothing'}"
            + (f"\nfixed: {dict(self.space.fixed)}" if self.space.fixed else "")
        )

    def run(self) -> None:
        """Finish what was interrupted, then start new trials while limits allow."""
        self.meter.searching = True
        failures = 0
        try:
            while True:
                trial = self._orphan() or self._next()
                if trial is None:
                    break
                failed = self._one(trial)
                failures = failures + 1 if failed else 0
                if failures >= _MAX_FAILURES_IN_A_ROW:
                    raise TrialsFailedError(
                        f"{failures} trials in a row ended with an error, the last with: {failed}"
                    )
        finally:
            self.meter.searching = False
            self.meter.watch(None)

    def _orphan(self) -> optuna.Trial | None:
        """A trial whose process died: whoever holds the lock is its only possible owner."""
        for frozen in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.study.sampler = self._sampler(frozen.number)
            self.observer.note(f"trial {frozen.number}: goes on where it was interrupted")
            trial = optuna.Trial(self.study, frozen._trial_id)
            self._redraw(trial, frozen)
            return trial
        return None

    def _redraw(self, trial: optuna.Trial, frozen: optuna.trial.FrozenTrial) -> None:
        """Bring the sampler to where it was when a process died in the middle of drawing.

        What was drawn is stored and not drawn again, so the draws it took have to be skipped for
        the rest to come out as it would have.
        """
        drawn_together = trial.relative_params
        for name, distribution in self.space.to_optuna().items():
            if name in frozen.params and name not in drawn_together:
                self.study.sampler.sample_independent(self.study, frozen, name, distribution)

    def _next(self) -> optuna.Trial | None:
        trials = self.study.get_trials(deepcopy=False)
        n_started = sum(t.state != TrialState.WAITING for t in trials)
        if self.config.n_trials is not None and n_started >= self.config.n_trials:
            return None
        decision = self.budget.next_trial_decision(self.meter.seconds, self._first_rung_seconds())
        if decision.stop:
            self._note_end(decision)
            return None
        if not trials:
            # The published defaults go first: every search should beat them.
            self.study.enqueue_trial(self.space.defaults)
        self.study.sampler = self._sampler(n_started)
        with warnings.catch_warnings():
            # Optuna expects `optimize` where there is a heartbeat; the meter keeps it instead.
            warnings.filterwarnings("ignore", message="Heartbeat of storage")
            return self.study.ask()

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """A sampler seeded by study and trial, so that a resumed study draws what it would have."""
        limit = self.config.n_trials or 40
        return optuna.samplers.TPESampler(
            seed=(self.config.seed * 100_003 + number) % 2**32,
            n_startup_trials=min(10, max(4, limit // 3)),
        )

    def _first_rung_seconds(self) -> float | None:
        key = f"{RUNG}{self.rungs[0]}"
        costs = [
            float(t.user_attrs[key]["seconds"])
            for t in self.study.get_trials(deepcopy=False)
            if "seconds" in t.user_attrs.get(key, {})
        ]
        return statistics.median(costs) if costs else None

    def _one(self, trial: optuna.Trial) -> str:
        """Run one trial and tell the study; returns the error it failed with, if any."""
        self.meter.watch(trial._trial_id)
        self._trial_started, self._trial_started_at = time.monotonic(), self.meter.seconds
        self._show()
        error = ""
        try:
            value = self.objective(trial)
            self.study.tell(trial, value)
            self._forget_losers()
        except optuna.TrialPruned:
            self._tell_pruned(trial)
        except BudgetSpent as spent:
            self._outcome(trial, "budget", str(spent))
            self._tell_pruned(trial)
        except RuntimeError as failure:
            # torch's errors (out of memory, a failed factorisation) end one trial, not the study.
            error = f"{type(failure).__name__}: {failure}".splitlines()[0]
            self._outcome(trial, "error", error)
            self.study.tell(trial, state=TrialState.FAIL)
            self.observer.note(f"trial {trial.number}: failed: {error}")
        self._show()
        return error

    def _tell_pruned(self, trial: optuna.Trial) -> None:
        self.study.tell(trial, state=TrialState.PRUNED)
        self._forget_losers()

    def _forget_losers(self) -> None:
        """Delete checkpoints that can no longer be chosen: while none has finished, keep all."""
        rows = read_rows(self.study, running=True)
        finished = any(row.state == "finished" for row in rows)
        for row in rows:
            lost = row.state in ("collapsed", "failed")
            if lost or (finished and row.state in ("pruned", "out of budget")):
                self.directory.forget(row.number)

    def _outcome(self, trial: optuna.Trial, kind: str, reason: str) -> None:
        trial.set_user_attr("outcome", {"kind": kind, "reason": reason})

    def _note_end(self, decision: Decision) -> None:
        self.observer.note(f"search: {decision.reason}")

    def _on_rung(self, number: int, epoch: int) -> None:
        self.observer.epoch(number, epoch)
        if epoch == 1 and not self._warned:
            self._warned = True
            whole = (time.monotonic() - self._trial_started) * self.config.epochs
            warning = self.budget.shortfall(self._trial_started_at, whole)
            if warning:
                self.observer.note(
                    f"{warning}; the best at the highest rung will be chosen. Fewer --epochs, "
                    "a smaller --image-size or --max-images would let trials finish"
                )
        if epoch in self.rungs[:-1]:
            self._show()

    def _show(self) -> None:
        self.observer.rows(read_rows(self.study, running=True))
