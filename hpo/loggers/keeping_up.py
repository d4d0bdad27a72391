"""Brings a logger up to date with a study: what is missing there is logged, nothing twice."""

from __future__ import annotations

from typing import Any

import optuna

from hpo.loggers.logger import Logger
from hpo.loggers.trial_log import TrialLog, trial_logs

# System attribute of the study, by logger and trial: what the logger has. Nobody but this reads it,
# and a list of the user attributes would drown in it.
LOGGED = "goldilocks:logged/"


class KeepingUp:
    """One logger and one study.

    How far the logger has come with each trial is kept in the study, and written after the logging:
    a process that is killed in between logs a point again, the same at the same epoch.

    Args:
        study: of this process.
        logger: where to.
    """

    def __init__(self, study: optuna.Study, logger: Logger) -> None:
        self.study, self.logger = study, logger
        self._known: dict[int, dict[str, Any]] | None = None
        self._open: set[str] = set()  # runs of this session

    def sync(self) -> int:
        """Log what is missing.

        Returns:
            Trials of which something was logged.

        Raises:
            Exception: whatever the logger raises; another call goes on from there.
        """
        logs = trial_logs(self.study)
        return sum(self._sync(log) for log in logs)

    def _sync(self, log: TrialLog) -> bool:
        known = self._memory().get(log.number, {})
        if known.get("epoch", -1) >= log.last_epoch and known.get("end", "") == log.end:
            return False
        run = known.get("run", "")
        if run not in self._open:
            if not run or not self.logger.has(run):
                run, known = self.logger.start(log), {}
            self._open.add(run)
        known = {"epoch": 0, "end": "", **known, "run": run}
        self._remember(log.number, dict(known))  # or a kill would leave a run that nobody knows
        try:
            for epoch in sorted(log.points):
                if epoch > known["epoch"]:
                    self.logger.point(run, log, epoch, log.points[epoch])
                    known["epoch"] = epoch
            if log.end != known["end"]:
                self.logger.end(run, log)
                known["end"] = log.end
        finally:
            self._remember(log.number, known)
        return True

    def _memory(self) -> dict[int, dict[str, Any]]:
        """Read from the study once: nobody else writes it."""
        if self._known is None:
            start = f"{LOGGED}{self.logger.name}/"
            attrs = self.study._storage.get_study_system_attrs(self.study._study_id)
            self._known = {
                int(key.removeprefix(start)): value
                for key, value in attrs.items()
                if key.startswith(start)
            }
        return self._known

    def _remember(self, number: int, known: dict[str, Any]) -> None:
        memory = self._memory()
        if memory.get(number) != known:
            key = f"{LOGGED}{self.logger.name}/{number}"
            self.study._storage.set_study_system_attr(self.study._study_id, key, known)
            memory[number] = known
