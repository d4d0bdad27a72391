"""Ctrl-C and SIGTERM: asked for once they stop at the next step, asked for twice at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
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
