"""The study's side of a Tune run: hands trials out, records what comes back, says how they end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import optuna

from hpo.asking import Asking
from hpo.decision import Decision
from hpo.judging import record_stop
from hpo.meter import Meter, Phase
from hpo.objective import record_pace
from hpo.ray_tune.reports import Report
from hpo.ray_tune.resuming import Handout, Resuming
from hpo.ray_tune.unsaved import Unsaved
from hpo.trial_runner import Failures, TrialRunner

_BEAT_EVERY_SECONDS = 60.0
_T = TypeVar("_T")


@dataclass(frozen=True)
class _End:
    """How a trial ends, to be told once its checkpoint is safe."""

    objective: float | None = None
    stopped: Decision | None = None
    error: str = ""


@dataclass
class _Running:
    """A trial that the cluster has."""

    trial: optuna.Trial
    heard: float | None = None  # when it last said something
    serial: str = ""
    whole: tuple[float, float, int] = (0.0, 0.0, 0)
    end: _End | None = None
    why_died: str = ""
    n_deaths: int = 0


class StudyDriver(Unsaved):
    """Keeps the study of a Tune run; it alone writes it, in the process that holds it.

    Tune's searcher, scheduler, stopper and callback say what happens and ask what to do; each is a
    few lines around this. No exception leaves it: Tune would take it for a trial's. The first one
    is kept, everything is asked to stop, and whoever started the run raises it.

    Args:
        asking: where trials come from.
        runner: what they are judged by, and what is told how they end.
        resuming: where their checkpoints are.
        meter: the session's clock.
        phase: what part of the budget the trials are for.
        after_trial: called after each trial that ended.

    Attributes:
        error: what ended the run before its time, if anything.
    """

    def __init__(
        self,
        asking: Asking,
        runner: TrialRunner,
        resuming: Resuming,
        meter: Meter,
        *,
        phase: Phase = "search",
        after_trial: Callable[[], None] = lambda: None,
    ) -> None:
        self.asking, self.runner, self.resuming, self.meter = asking, runner, resuming, meter
        self.error: Exception | None = None
        self._phase, self._after_trial = phase, after_trial
        self._running: dict[int, _Running] = {}
        self._failures = Failures()
        self._ready: dict[str, Any] | None = None
        self._beaten = time.monotonic()

    def prepare(self) -> bool:
        """Have the next trial ready; return whether there is one. Ray is not started for none."""
        self._ready = self._guarded(self._next, None)
        return self._ready is not None

    def next(self) -> dict[str, Any] | None:
        """Return the configuration of the next trial; None when there is none."""
        if self._ready is not None:
            ready, self._ready = self._ready, None
            return ready
        return self._guarded(self._next, None)

    def hear(self, number: int, report: Report) -> bool | None:
        """Record what a worker says, and decide.

        Args:
            number: of the trial.
            report: what it says.

        Returns:
            Whether the trial is to stop; None when everything does.
        """
        stop = self._guarded(lambda: self._hear(number, report), True)
        return None if self.error is not None else stop

    def saved(self, number: int, path: str, report: Report) -> None:
        """Take note of a checkpoint before Ray deletes the one before it.

        Args:
            number: of the trial.
            path: of the checkpoint, on the file system of the store.
            report: what the worker said when it was written.
        """
        self._guarded(lambda: self.resuming.keep(self._running[number].trial, path, report), None)

    def ended(self, number: int, error: str = "") -> None:
        """Tell the study how a trial ended, if it did.

        A trial that was stopped for no reason of its own stays as it is: it goes on next time.

        Args:
            number: of the trial.
            error: why Ray has given it up, if it has.
        """
        self._guarded(lambda: self._ended(number, error), None)

    def died(self, number: int, why: str) -> None:
        """Take note that a trial's process died; Ray starts it again or gives it up."""
        self._guarded(lambda: self._died(number, why), None)

    def why_given_up(self, number: int) -> str:
        """Return why the process of a trial that Ray has given up died last, and how often."""
        running = self._running[number]
        why = running.why_died or "Ray gave it up"
        return why if running.n_deaths < 2 else f"{why} ({running.n_deaths} times: given up)"

    def must_stop(self) -> bool:
        """Whether everything is to stop; asked several times a second."""
        self._guarded(self._tick, None)
        return self.error is not None

    def _guarded(self, action: Callable[[], _T], otherwise: _T) -> _T:
        if self.error is None:
            try:
                return action()
            except Exception as error:  # raised by `RayEngine.run` once the run has ended
                self.error = error
        return otherwise

    def _next(self) -> dict[str, Any] | None:
        while (trial := self.asking.next()) is not None:
            running = self._running[trial.number] = _Running(trial)
            self._beat(trial)
            self.runner.reports.changed()
            handout = self.resuming.handout(trial)
            refused = self._claim(running, handout.epoch, handout.next_rung(self.runner.rungs))
            if refused is None:
                return self._config(trial, handout)
            running.end = _End(stopped=refused)
            self._ended(trial.number, "")
        return None

    def _config(self, trial: optuna.Trial, handout: Handout) -> dict[str, Any]:
        attrs = trial.user_attrs
        return {
            "number": trial.number,
            "hyperparameters": attrs["hyperparameters"],
            "seed": attrs.get("seed"),
            "checkpoint": handout.url,
        }

    def _claim(self, running: _Running, epoch: int, rung: int | None) -> Decision | None:
        """Claim the way to a rung; return why not, if it is refused."""
        if rung is None or rung <= epoch:
            return None
        claimed = self.runner.ledger.claim(running.trial, rung, done=epoch)
        return claimed if claimed.stop else None

    def _hear(self, number: int, report: Report) -> bool:
        running = self._running[number]
        if report.serial == running.serial:
            return running.end is not None
        running.serial, running.heard = report.serial, time.monotonic()
        if report.fault is not None:
            raise report.fault
        self._record_spent(running, report)
        # What was decided before its process died stands.
        running.end = running.end or self._judge(running, report)
        return running.end is not None

    def _record_spent(self, running: _Running, report: Report) -> None:
        ledger, trial = self.runner.ledger, running.trial
        if report.n_images:
            ledger.record_images(trial, report.n_images, device_seconds=report.train_seconds)
        at_rung = bool(report.rung)
        seconds = report.measure_seconds
        ledger.record(trial, epochs=0, images=0, device_seconds=seconds, force=at_rung)
        if report.epoch:
            running.whole = report.whole
            self.runner.reports.epoch(trial.number, report.epoch)

    def _judge(self, running: _Running, report: Report) -> _End | None:
        trial, rungs, judging = running.trial, self.runner.rungs, self.runner.objective.judging
        if report.error:
            return _End(error=report.error)
        if report.diverged:
            reached = max(report.rungs_measured, default=0)
            rung = next(r for r in rungs if r > reached)
            return _End(stopped=judging.broken(trial, rung, report.diverged))
        if not report.rung or report.record is None:
            spent = self.runner.ledger.decision(self._phase == "search")
            return _End(stopped=spent) if spent.stop else None
        decision, objective = judging.decide(trial, report.rung, report.record)
        if decision.stop:
            return _End(stopped=decision)
        if report.rung == rungs[-1]:
            return _End(objective=objective)
        self.runner.reports.changed()
        after = next(r for r in rungs if r > report.rung)
        refused = None
        if after not in report.rungs_measured:
            refused = self._claim(running, report.epoch, after)
        return None if refused is None else _End(stopped=refused)

    def _died(self, number: int, why: str) -> None:
        running = self._running[number]
        running.why_died = why
        running.n_deaths += 1
        self._record_lost(running)
        self.runner.reports.note(f"trial {number}: {why}")
        if running.end is None:
            # It trains again what came after its last checkpoint, if it may.
            handout = self.resuming.handout(running.trial)
            refused = self._claim(running, handout.epoch, handout.next_rung(self.runner.rungs))
            running.end = None if refused is None else _End(stopped=refused)

    def _record_lost(self, running: _Running) -> None:
        """Count the time of a process that died and cannot say what it spent."""
        if running.heard is None:
            return
        seconds = time.monotonic() - running.heard
        running.heard = None
        self.runner.ledger.record(
            running.trial, epochs=0, images=0, device_seconds=seconds, force=True
        )

    def _ended(self, number: int, error: str) -> None:
        running = self._running[number]
        end = _End(error=error) if error else running.end
        if end is None:
            return
        trial = running.trial
        self.runner.ledger.record(trial, epochs=0, images=0, device_seconds=0.0, force=True)
        record_pace(trial, *running.whole)
        if end.objective is not None:
            self.runner.complete(trial, end.objective)
        elif end.stopped is not None:
            record_stop(trial, end.stopped)
            self.runner.prune(trial)
        else:
            self.runner.fail(trial, end.error)
        del self._running[number]
        self.resuming.forget(trial)
        self.runner.reports.changed()
        self._failures.count(end.error)
        self._after_trial()

    def _tick(self) -> None:
        self.meter.tick()
        if time.monotonic() - self._beaten >= _BEAT_EVERY_SECONDS:
            self._beaten = time.monotonic()
            for running in self._running.values():
                self._beat(running.trial)

    def _beat(self, trial: optuna.Trial) -> None:
        self.meter.watch(trial._trial_id)
        self.meter.tick()
        self.meter.watch(None)
