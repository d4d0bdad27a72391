"""Ctrl-C and SIGTERM: asked for once they stop within seconds, asked for twice at once."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class Interrupted(Exception):
    """The user, or the system, asked to stop. Nothing is lost: a later run goes on from here."""


@dataclass
class StopFlag:
    """Whether somebody asked to stop, and how."""

    signal_name: str = ""

    def check(self) -> None:
        """Raise `Interrupted` once somebody asked."""
        if self.signal_name:
            raise Interrupted(self.signal_name)


@contextmanager
def stop_signals() -> Iterator[StopFlag]:
    """Turn SIGINT and SIGTERM into a flag that the training loop looks at after each step.

    A second signal interrupts at once. Outside the main thread, where Python allows no handlers,
    the flag is simply never set.
    """
    flag = StopFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if flag.signal_name:
            raise KeyboardInterrupt
        flag.signal_name = signal.Signals(number).name

    before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class EpochsEnd:
    """Carries an epoch to its end when somebody asks to stop, if that takes a moment only.

    What was trained can be kept between epochs alone, so that the rest of an epoch is worth
    waiting for where it is short.

    Args:
        n_steps: of an epoch, >= 1.
        tick: called after each step; raises `Interrupted` once somebody asked to stop.
        seconds: that an epoch may go on for after that, by the pace of its steps so far.

    Attributes:
        asked: what `tick` raised; None before.
    """

    def __init__(self, n_steps: int, tick: Callable[[], None], *, seconds: float = 3.0) -> None:
        self._n_steps, self._tick, self._seconds = n_steps, tick, seconds
        self._began, self._n_done = time.monotonic(), 0
        self._until = math.inf
        self.asked: Interrupted | None = None

    def step(self) -> None:
        """Note a step.

        Raises:
            Interrupted: when the end of the epoch is too far away to wait for.
        """
        self._n_done += 1
        try:
            self._tick()
        except Interrupted as asked:
            now = time.monotonic()
            if self.asked is None:
                self.asked, self._until = asked, now + self._seconds
            left = (self._n_steps - self._n_done) * (now - self._began) / self._n_done
            if now + left > self._until:
                raise

    def reached(self) -> bool:
        """Note the end of an epoch; True when somebody asked to stop: keep what there is, and go.

        What else `tick` raises comes out.
        """
        try:
            self._tick()
        except Interrupted as asked:
            self.asked = self.asked or asked
        self._began, self._n_done = time.monotonic(), 0
        return self.asked is not None

    def leave(self) -> None:
        """Raise what was asked for; nothing when nobody asked."""
        if self.asked is not None:
            raise self.asked
