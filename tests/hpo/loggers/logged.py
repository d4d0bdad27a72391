"""What the tests of loggers share: a recorded study, and a logger that keeps what it is told."""

from __future__ import annotations

from collections.abc import Mapping

from hpo.loggers import TrialLog


class Kept:
    """A logger in memory that can be out of reach.

    Attributes:
        away: whether every call fails.
        runs: by id, the points in the order they came, and the ends.
    """

    name = "kept"

    def __init__(self) -> None:
        self.away = False
        self.runs: dict[str, list[tuple[object, ...]]] = {}
        self.n_closed = 0

    def start(self, log: TrialLog) -> str:
        self._reach()
        run = f"run-{len(self.runs)}-of-{log.number}"
        self.runs[run] = []
        return run

    def has(self, run: str) -> bool:
        self._reach()
        return run in self.runs

    def point(self, run: str, log: TrialLog, epoch: int, values: Mapping[str, float]) -> None:
        self._reach()
        self.runs[run].append((epoch, values["rankme"]))

    def end(self, run: str, log: TrialLog) -> None:
        self._reach()
        self.runs[run].append(("end", dict(log.tags)))

    def close(self) -> None:
        self.n_closed += 1

    def _reach(self) -> None:
        if self.away:
            raise ConnectionError("nobody there\nfor long")
