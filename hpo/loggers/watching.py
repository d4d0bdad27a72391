"""Logs a study beside its search: a thread that is woken, and a word on what went wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import optuna

from hpo.errors import in_a_line
from hpo.loggers.choosing import open_loggers
from hpo.loggers.keeping_up import KeepingUp
from hpo.loggers.logger import Logger
from hpo.observer import Observer
from hpo.record import TrialRow
from hpo.storage import StudyDirectory

_AGAIN_AFTER_SECONDS = 60.0
_LAST_WORDS_SECONDS = 60.0
_LAST_WORDS_WHEN_STOPPED_SECONDS = 5.0


@contextmanager
def logging_to(
    names: Sequence[str],
    study: optuna.Study,
    directory: StudyDirectory,
    group: str,
    observer: Observer,
) -> Iterator[Observer]:
    """Log a study while the body runs; no error of a logger leaves this.

    Args:
        names: of the loggers; none changes nothing.
        study: of this process.
        directory: of the study.
        group: what the study is called in the loggers.
        observer: who watches.

    Yields:
        An observer to be used in its place.
    """
    if not names:
        yield observer
        return
    watched = LoggingObserver(observer)
    threads = [_LogThread(study, each, watched) for each in open_loggers(names, directory, group)]
    watched.threads = threads
    seconds = _LAST_WORDS_WHEN_STOPPED_SECONDS
    try:
        yield watched
        seconds = _LAST_WORDS_SECONDS
    finally:
        give_up = time.monotonic() + seconds
        for thread in threads:
            thread.end()
        for thread in threads:
            thread.wait(max(0.0, give_up - time.monotonic()))
        watched.speak()


class _LogThread:
    """Brings one logger up to date whenever it is woken; a failure is said, and tried again."""

    def __init__(self, study: optuna.Study, logger: Logger, watched: LoggingObserver) -> None:
        self._keeping, self._watched = KeepingUp(study, logger), watched
        self._wake, self._ending = threading.Event(), threading.Event()
        self._failed = False
        self._thread = threading.Thread(
            target=self._run, name=f"goldilocks-{logger.name}", daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def end(self) -> None:
        self._ending.set()
        self._wake.set()

    def wait(self, seconds: float) -> None:
        """Wait for the last words; a server that does not answer is left behind."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._say("does not answer; what is missing there is logged by the next run")

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait()
            self._wake.clear()
            if not self._guarded(self._keeping.sync):
                self._ending.wait(_AGAIN_AFTER_SECONDS)
                self._wake.set()
        # What happened while the last points were written.
        self._guarded(self._keeping.sync)
        self._guarded(self._keeping.logger.close)

    def _guarded(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except Exception as error:
            if not self._failed:
                self._failed = True
                self._say(f"{in_a_line(error)}; the study goes on, and logging is tried again")
            return False
        if self._failed and action == self._keeping.sync:
            self._failed = False
            self._say("answers again; everything so far is logged")
        return True

    def _say(self, text: str) -> None:
        self._watched.later(f"log: {self._keeping.logger.name}: {text}")


class LoggingObserver:
    """Passes everything on, and wakes the loggers when trials have changed.

    What loggers have to say is passed on in the thread that calls this one.

    Args:
        observer: who watches.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._said: SimpleQueue[str] = SimpleQueue()
        self.threads: Sequence[_LogThread] = ()

    def note(self, text: str) -> None:
        """Pass it on."""
        self._observer.note(text)

    def decoding(self, done: int, total: int) -> None:
        """Pass it on."""
        self._observer.decoding(done, total)

    def rows(self, rows: Sequence[TrialRow]) -> None:
        """Pass them on, and have what is new logged."""
        self._observer.rows(rows)
        for thread in self.threads:
            thread.wake()
        self.speak()

    def epoch(self, number: int, epoch: int) -> None:
        """Pass it on."""
        self._observer.epoch(number, epoch)

    def time(self, spent_seconds: float) -> None:
        """Pass it on, and what loggers had to say."""
        self._observer.time(spent_seconds)
        self.speak()

    def phase(self, name: str) -> None:
        """Pass it on."""
        self._observer.phase(name)

    def later(self, text: str) -> None:
        """Keep a line for `speak`; any thread may call it."""
        self._said.put(text)

    def speak(self) -> None:
        """Pass on the lines that were kept."""
        while True:
            try:
                self._observer.note(self._said.get_nowait())
            except Empty:
                return
