"""TensorBoard: a folder of event files a trial, `tensorboard --logdir OUT/tensorboard`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.loggers.trial_log import TrialLog

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_RUN = re.compile(r"trial-\d{4,}")


class TensorBoardLog:
    """Writes event files.

    Args:
        folder: of the study's runs.
    """

    name = "tensorboard"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, SummaryWriter] = {}

    def start(self, log: TrialLog) -> str:
        """Name the trial's folder; it is made with the first point."""
        return f"trial-{log.number:04d}"

    def has(self, run: str) -> bool:
        """Say whether the trial's folder is there."""
        return _RUN.fullmatch(run) is not None and (self._folder / run).is_dir()

    def point(self, run: str, log: TrialLog, epoch: int, values: Mapping[str, float]) -> None:
        """Write a rung: a scalar a measure."""
        writer = self._writer(run)
        for name, value in values.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    def end(self, run: str, log: TrialLog) -> None:
        """Write hyperparameters beside the last figures, and the outcome as text."""
        writer = self._writer(run)
        text = "\n\n".join(f"**{name}**: {value}" for name, value in log.tags.items())
        writer.add_text("outcome", text, log.last_epoch)
        writer.add_hparams(
            {name: _plain(value) for name, value in log.hyperparameters.items()},
            {f"final/{name}": value for name, value in log.figures.items()},
            run_name=".",  # beside the rungs, and not a run of its own
            global_step=log.last_epoch,
        )
        self._writers.pop(run).close()

    def close(self) -> None:
        """Close all files."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _writer(self, run: str) -> SummaryWriter:
        from torch.utils.tensorboard import SummaryWriter

        if run not in self._writers:
            self._writers[run] = SummaryWriter(str(self._folder / run))
        return self._writers[run]


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str) else str(value)
