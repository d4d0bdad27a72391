"""Wall time spent on a study over all the times it was started, kept in the study itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Literal

import optuna

from hpo.budget import Budget, Spend
from hpo.decision import GO_ON, Decision
from hpo.interruption import StopFlag

_PREFIX = "session/"
_WRITE_EVERY_SECONDS = 2.0
_HEARTBEAT_EVERY_SECONDS = 60.0


Phase = Literal["search", "after", "idle"]
"""What a study is at: its search, what follows it, or something no budget interrupts."""


class BudgetSpent(Exception):
    """The time that a phase may take is spent in the middle of a trial, or of a probe."""


def session_seconds(user_attrs: dict[str, Any]) -> float:
    """Sum the wall time of all sessions recorded with a study, in seconds."""
    return sum(
        float(session["seconds"]) for key, session in user_attrs.items() if key.startswith(_PREFIX)
    )


def worker_seconds(user_attrs: dict[str, Any]) -> float:
    """Sum the wall time of all sessions times the trials that each had at once, in seconds."""
    return sum(
        float(session["seconds"]) * int(session.get("workers", 1))
        for key, session in user_attrs.items()
        if key.startswith(_PREFIX)
    )


class Clock:
    """The time that a study has taken; `tick` is called after every step and batch.

    Args:
        budget: what may be spent.
        flag: set when somebody asked to stop.
        started: `time.monotonic()` at the start of this session's work. All processes of a
            machine read the same clock.
        earlier_seconds: what earlier sessions took.
        heartbeat: records that a trial is alive, once a minute.

    Attributes:
        phase: "search" keeps to the search's part of the budget, "after" to the whole of it;
            "idle", at first, to nothing.
        judge: says whether the time that may be taken is spent; `Ledger.decision` knows what all
            processes have spent, while the clock alone knows wall time.
    """

    def __init__(
        self,
        budget: Budget,
        flag: StopFlag,
        *,
        started: float,
        earlier_seconds: float = 0.0,
        heartbeat: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._budget, self._flag = budget, flag
        self.started, self.earlier_seconds = started, earlier_seconds
        self._heartbeat = heartbeat
        self._beaten = -1e9
        self._trial_id: int | None = None
        self.phase: Phase = "idle"
        self.judge: Callable[[bool], Decision] = self._by_wall_time

    @property
    def seconds(self) -> float:
        """Seconds spent on the study so far, this session included."""
        return self.earlier_seconds + time.monotonic() - self.started

    def watch(self, trial_id: int | None) -> None:
        """Say which trial is running, so that its heartbeat is kept."""
        self._trial_id, self._beaten = trial_id, -1e9

    def tick(self) -> None:
        """Note that time has passed.

        Raises:
            Interrupted: when somebody asked to stop.
            BudgetSpent: when the time that the phase may take is spent.
        """
        self._flag.check()
        now = time.monotonic()
        if self._trial_id is not None and now - self._beaten >= _HEARTBEAT_EVERY_SECONDS:
            self._heartbeat(self._trial_id)
            self._beaten = now
        decision = GO_ON if self.phase == "idle" else self.judge(self.phase == "search")
        if decision.stop:
            raise BudgetSpent(decision.reason)

    def _by_wall_time(self, searching: bool) -> Decision:
        spend = Spend(wall_seconds=self.seconds)
        if searching:
            return self._budget.search_decision(spend)
        return self._budget.total_decision(spend)


class Meter(Clock):
    """The clock of the process that holds the study; it alone records the session's time.

    A killed process leaves at most two seconds unrecorded.

    Args:
        study: where sessions are recorded.
        budget: what may be spent.
        flag: set when somebody asked to stop.
        started: `time.monotonic()` at the start of the process's work.
        n_workers: trials at once, recorded with the session.
        heartbeat: records that a trial is alive, once a minute.
        on_tick: called at most every two seconds with the seconds spent.
    """

    def __init__(
        self,
        study: optuna.Study,
        budget: Budget,
        flag: StopFlag,
        *,
        started: float,
        n_workers: int = 1,
        heartbeat: Callable[[int], None] = lambda _: None,
        on_tick: Callable[[float], None] = lambda _: None,
    ) -> None:
        attrs = study.user_attrs
        super().__init__(
            budget,
            flag,
            started=started,
            earlier_seconds=session_seconds(attrs),
            heartbeat=heartbeat,
        )
        self._key = f"{_PREFIX}{sum(key.startswith(_PREFIX) for key in attrs)}"
        self._started_at = time.time() - (time.monotonic() - started)
        self._study, self._n_workers, self._on_tick = study, n_workers, on_tick
        self._written = -1e9
        self.write()

    def tick(self) -> None:
        """Note that time has passed, and record it now and then.

        Raises:
            Interrupted: when somebody asked to stop.
            BudgetSpent: when the time that the phase may take is spent.
        """
        self._flag.check()
        if time.monotonic() - self._written >= _WRITE_EVERY_SECONDS:
            self.write()
            self._on_tick(self.seconds)
        super().tick()

    def write(self) -> None:
        """Record this session's time now."""
        self._written = time.monotonic()
        session = {
            "started": self._started_at,
            "seconds": self._written - self.started,
            "workers": self._n_workers,
            "pid": os.getpid(),
        }
        self._study.set_user_attr(self._key, session)
