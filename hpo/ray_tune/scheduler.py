"""Ray's scheduler of a study: every result is reported to the study, which decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from hpo.ray_tune.driver import StudyDriver
from hpo.ray_tune.reports import REPORT
from hpo.ray_tune.unsaved import Unsaved


class StudyScheduler(Unsaved, FIFOScheduler):
    """Stops the trials that the study's rules stop, and those that the budget has no room for.

    It reports here and not in the searcher, which Tune does not tell of the result that a trial is
    stopped for. It keeps nothing: whoever starts again reads the study.

    Args:
        driver: keeps the study.
    """

    _supports_buffered_results = False

    def __init__(self, driver: StudyDriver) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._driver = driver

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Report a result to the study and return what it decides."""
        stop = self._driver.hear(trial.config["number"], result[REPORT])
        if stop is None:
            return TrialScheduler.NOOP
        return TrialScheduler.STOP if stop else TrialScheduler.CONTINUE

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Take note of why a process died; Ray starts it again, or gives the trial up."""
        self._driver.died(trial.config["number"], _reason(trial))

    def debug_string(self) -> str:
        """Return what Ray's own progress would show."""
        return "decisions by the study"


def _reason(trial: Trial) -> str:
    """Say in a line why Ray lost a process; what it knows lies in a file, newest last."""
    file = None if trial.storage is None else trial.error_file
    text = Path(file).read_text("utf-8") if file is not None and Path(file).is_file() else ""
    newest = text.rpartition("Failure # ")[2]
    lines = [line.strip() for line in newest.splitlines()[1:] if line.strip()]
    return f"its process died: {lines[0]}" if lines else "its process died"
