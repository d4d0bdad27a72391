"""What a logger has to offer: runs that are started or gone on with, points and ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hpo.loggers.trial_log import TrialLog


class Logger(Protocol):
    """Somewhere that keeps runs. One thread calls it; whatever it raises is tried again later."""

    @property
    def name(self) -> str:
        """As the option says it: "tensorboard", "mlflow" or "wandb"."""

    def start(self, log: TrialLog) -> str:
        """Start a trial's run and return its id, by which later sessions find it."""

    def has(self, run: str) -> bool:
        """Say whether a run of an earlier session is still there."""

    def point(self, run: str, log: TrialLog, epoch: int, values: Mapping[str, float]) -> None:
        """Log a rung."""

    def end(self, run: str, log: TrialLog) -> None:
        """Log how a trial ended; called again when something more is known of it."""

    def close(self) -> None:
        """Let everything go."""
