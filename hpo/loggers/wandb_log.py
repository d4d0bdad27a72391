"""Weights & Biases: a run a trial, in a group of the study; mode and project as the user's are."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.errors import ConfigError
from hpo.loggers.trial_log import TrialLog

if TYPE_CHECKING:
    from wandb import Run

_PROJECT = "goldilocks-hpo"  # unless WANDB_PROJECT says another
_WITHOUT_A_KEY = ("offline", "dryrun", "disabled")
_LONGEST_TAG = 64


def check_key() -> None:
    """Check that there is a key where one is needed, without asking for it on the terminal.

    Raises:
        ConfigError: without one.
        ImportError: when the library is not installed.
    """
    import wandb

    if wandb.setup().settings.mode in _WITHOUT_A_KEY:
        return
    if not wandb.login(prompt=False, verify=False):
        raise ConfigError(
            "log: wandb has no key for its server; run `wandb login`, set WANDB_API_KEY, or "
            "WANDB_MODE=offline to log to files and upload them later."
        )


class WandbLog:
    """Logs to W&B; several runs are open at once, one for each trial that runs.

    Args:
        out: directory of the study, below which the library keeps its files.
        group: name of the study.
    """

    name = "wandb"

    def __init__(self, out: Path, group: str) -> None:
        self._out, self._group = out, group
        self._project = os.environ.get("WANDB_PROJECT", _PROJECT)
        self._runs: dict[str, Run] = {}

    def start(self, log: TrialLog) -> str:
        """Begin a run under an id of its own."""
        run = f"{self._project}/{uuid.uuid4().hex[:12]}"
        self._run(run, log)
        return run

    def has(self, run: str) -> bool:
        """Say whether a run is of this project; then its id goes on with it."""
        return run.rpartition("/")[0] == self._project

    def point(self, run: str, log: TrialLog, epoch: int, values: Mapping[str, float]) -> None:
        """Log a rung."""
        self._run(run, log).log({"epoch": epoch, **values})

    def end(self, run: str, log: TrialLog) -> None:
        """Log the outcome, as tag, note and summary, and finish the run."""
        opened = self._run(run, log)
        opened.summary.update({**log.tags, **{f"final/{k}": v for k, v in log.figures.items()}})
        opened.tags = (log.tags["state"][:_LONGEST_TAG],)
        opened.notes = log.tags.get("reason") or log.tags.get("chosen", "")
        opened.finish(exit_code=int(log.tags["state"] == "failed"))
        del self._runs[run]

    def close(self) -> None:
        """Finish the runs of trials that go on another time."""
        for run in self._runs.values():
            run.finish()
        self._runs.clear()

    def _run(self, run: str, log: TrialLog) -> Run:
        import wandb

        if run not in self._runs:
            self._runs[run] = opened = wandb.init(
                project=self._project,
                group=self._group,
                name=log.name,
                id=run.rpartition("/")[2],
                resume="allow",
                reinit="create_new",
                dir=str(self._out),
                config=dict(log.hyperparameters),
                settings=wandb.Settings(
                    console="off", silent=True, save_code=False, disable_git=True
                ),
            )
            opened.define_metric("epoch", hidden=True)
            opened.define_metric("*", step_metric="epoch")
        return self._runs[run]
