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
    said = cause("\n".join(newest.splitlines()[1:]))
    return f"its process died: {said}" if said else "its process died"


def cause(text: str) -> str:
    r"""Return the line of Ray's words for an error that says what it was.

    Args:
        text: an error as Ray prints it. Of one that was raised in a worker it is a traceback, and
            what was raised comes last; of a process that is gone, the first line says so.

    >>> cause("\x1b[36mray::Trainable.train()\x1b[39m (pid=3)\n  File …\nOSError: no space\n")
    'OSError: no space'
    >>> cause("The actor died unexpectedly before finishing this task.\n\tclass_name: Trainable\n")
    'The actor died unexpectedly before finishing this task.'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1] if "ray::" in lines[0] else lines[0]
