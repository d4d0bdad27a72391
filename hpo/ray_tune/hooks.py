"""What else a driver hears from Tune: checkpoints, and whether it is time to stop."""

from __future__ import annotations

from typing import Any

from ray.tune import Callback, Checkpoint, Stopper
from ray.tune.experiment import Trial

from hpo.ray_tune.driver import StudyDriver
from hpo.ray_tune.reports import REPORT
from hpo.ray_tune.unsaved import Unsaved


class CheckpointHook(Unsaved, Callback):
    """Tells the driver of every checkpoint before Ray deletes the one before it.

    Args:
        driver: keeps the study.
    """

    def __init__(self, driver: StudyDriver) -> None:
        self._driver = driver

    def on_checkpoint(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        checkpoint: Checkpoint,
        **info: Any,
    ) -> None:
        """Pass a checkpoint on."""
        self._driver.saved(trial.config["number"], checkpoint.path, trial.last_result[REPORT])


class StudyStopper(Unsaved, Stopper):
    """Stops everything when somebody asked to, or when something is wrong; no single trial.

    Args:
        driver: keeps the study.
    """

    def __init__(self, driver: StudyDriver) -> None:
        self._driver = driver

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Leave trials to `StudyScheduler`."""
        return False

    def stop_all(self) -> bool:
        """Whether to stop everything."""
        return self._driver.must_stop()
