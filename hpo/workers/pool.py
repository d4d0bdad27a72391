"""The parent's side: starts workers, gives them trials, hears them, and replaces the dead."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

import optuna

from hpo.asking import Asking
from hpo.errors import GoldilocksError
from hpo.interruption import Interrupted, StopFlag
from hpo.measuring import Initial
from hpo.meter import Meter, Phase
from hpo.storage import StudyDirectory
from hpo.trial_runner import Failures, TrialRunner
from hpo.workers.crew import Crew
from hpo.workers.messages import Broken, Changed, Done, End, Epoch, Event, Note, Order, Run, Stop
from hpo.workers.starting import start, start_method
from hpo.workers.worker import Task, pack, work
from hpo.workload import Workload

_LOOK_EVERY_SECONDS = 0.25
_MAX_DEATHS = 3


class WorkersDiedError(GoldilocksError, RuntimeError):
    """Raised when one worker process after another dies and no trial ends in between."""


@dataclass
class _Member:
    """A worker process as the parent sees it."""

    number: int
    process: BaseProcess
    connection: Connection
    trial: optuna.Trial | None
    gone: bool = False

    def said(self) -> Iterator[Event]:
        """What it has said and nobody has heard yet."""
        while not self.gone:
            try:
                if not self.connection.poll():
                    return
                event: Event = self.connection.recv()
            except (EOFError, OSError):
                self.gone = True
                return
            # Outside of the `try`: what is raised on hearing it may be an OSError too.
            yield event

    def tell(self, order: Order) -> None:
        # One that has just died is found by its sentinel, not by its pipe.
        with suppress(BrokenPipeError):
            self.connection.send(order)


class Pool:
    """Workers at work on the trials of a study.

    Use it as a context: whoever leaves it, for whatever reason, leaves no process behind.

    Args:
        crew: how many workers, and their threads.
        workload: the study's; each worker prepares its own from the same configuration.
        directory: the study's.
        initial: the untrained network.
        asking: where trials come from.
        runner: the parent's own; what workers say is passed on to whom it reports.
        meter: the session's clock.
        flag: set when somebody asked to stop.
        phase: what part of the budget the trials are for.
        after_trial: called after each trial that ended, in this process.
    """

    def __init__(
        self,
        crew: Crew,
        workload: Workload,
        directory: StudyDirectory,
        initial: Initial,
        *,
        asking: Asking,
        runner: TrialRunner,
        meter: Meter,
        flag: StopFlag,
        phase: Phase = "search",
        after_trial: Callable[[], None] = lambda: None,
    ) -> None:
        self.phase: Phase = phase
        self._after_trial = after_trial
        self.crew, self.workload, self.directory = crew, workload, directory
        self.asking, self.runner, self.meter, self.flag = asking, runner, meter, flag
        self._initial = pack(initial)
        self._method = start_method(workload.device.type == "cuda")
        self._members: list[_Member] = []
        self._failures = Failures()
        self._deaths_in_a_row = 0
        self._deaths_with: Counter[int] = Counter()
        self._changed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for member in self._members:
            member.process.kill()
        for member in self._members:
            member.process.join()
            member.connection.close()
        self._members.clear()

    def run(self) -> None:
        """Run trials until there are none left.

        Raises:
            Interrupted: when somebody asked to stop; every worker has stopped then.
            TrialsFailedError: when one trial after another ended with an error.
            WorkersDiedError: when one worker after another died.
        """
        try:
            for number in range(self.crew.n_workers):
                self._start(number)
                self._pass_on()
            while self._members:
                self._look()
                self._pass_on()
        except Exception as error:
            self._stop(str(error) if isinstance(error, Interrupted) else "an error")
            raise

    def _start(self, number: int) -> None:
        """Start a worker with its first trial; none when there is no trial for it."""
        trial = self.asking.next()
        if trial is None:
            return
        task = Task(
            worker=number,
            config=self.workload.config,
            threads=self.crew.threads,
            started=self.meter.started,
            earlier_seconds=self.meter.earlier_seconds,
            identity=self.workload.identity,
            initial=self._initial,
            phase=self.phase,
        )
        ours, theirs = multiprocessing.Pipe()
        name = f"goldilocks-worker-{number}"
        process = start(self._method, work, task, theirs, name=name)
        theirs.close()
        member = _Member(number, process, ours, trial)
        self._members.append(member)
        member.tell(Run(trial._trial_id))

    def _look(self) -> None:
        """Wait a moment for what workers say, and for their ends."""
        by_handle = {m.connection: m for m in self._members if not m.gone}
        by_sentinel = {m.process.sentinel: m for m in self._members}
        ready = wait([*by_handle, *by_sentinel], timeout=_LOOK_EVERY_SECONDS)
        for member in list(self._members):
            ended = member.process.sentinel in ready
            if ended or member.connection in ready:
                for event in member.said():
                    self._handle(member, event)
            if ended:
                self._bury(member)

    def _handle(self, member: _Member, event: Event) -> None:
        reports = self.runner.reports
        match event:
            case Epoch(number, epoch):
                reports.epoch(number, epoch)
            case Changed():
                self._changed = True
            case Note(text):
                reports.note(text)
            case Done(error):
                self._deaths_in_a_row = 0
                member.trial = None
                self._failures.count(error)
                self._give_next(member)
                self._after_trial()
            case Broken(error, cause):
                raise error from cause

    def _give_next(self, member: _Member) -> None:
        member.trial = self.asking.next()
        member.tell(End() if member.trial is None else Run(member.trial._trial_id))

    def _bury(self, member: _Member) -> None:
        """Let go of a process that has ended; hand on what it was running."""
        member.process.join()
        member.connection.close()
        self._members.remove(member)
        if member.trial is None:
            return
        self._deaths_in_a_row += 1
        how, number = _how_it_died(member.process.exitcode), member.trial.number
        self._take_back(member.trial, how)
        if self._deaths_in_a_row >= _MAX_DEATHS:
            raise WorkersDiedError(
                f"workers: {_MAX_DEATHS} in a row died before a trial ended, the last with trial "
                f"{number} ({how}). Where memory runs out, the system kills processes: use fewer "
                "--workers, a smaller --batch-size or a smaller --image-size. The same command "
                "goes on where they were."
            )
        self._start(member.number)

    def _take_back(self, trial: optuna.Trial, how: str) -> None:
        self._changed = True
        frozen = self.asking.study.get_trials(deepcopy=False)[trial.number]
        if frozen.state.is_finished():
            return  # it died between telling the study and telling this process
        self._deaths_with[trial.number] += 1
        if self._deaths_with[trial.number] >= _MAX_DEATHS:
            self.runner.fail(trial, f"{_MAX_DEATHS} processes died running it, the last {how}")
            return
        self.runner.reports.note(f"trial {trial.number}: its process died ({how})")
        self.asking.take_back(trial.number)

    def _pass_on(self) -> None:
        if self._changed:
            self._changed = False
            self.runner.reports.changed()
        self.meter.tick()

    def _stop(self, reason: str) -> None:
        """Ask all to end at their next step, and wait until they have."""
        for member in self._members:
            member.tell(Stop(reason))
        while self._members:
            handles = [m.connection for m in self._members if not m.gone]
            wait([*handles, *(m.process.sentinel for m in self._members)])
            for member in list(self._members):
                list(member.said())  # one whose pipe is full could not end
                if not member.process.is_alive():
                    member.process.join()
                    member.connection.close()
                    self._members.remove(member)


def _how_it_died(code: int | None) -> str:
    """Name the end of a process.

    >>> _how_it_died(-9), _how_it_died(1)
    ('killed by SIGKILL', 'exit code 1')
    """
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
