"""The backbones of the best trials of somebody's study, in a folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import filelock
import optuna
from torch import Tensor

from hpo.errors import StorageError
from hpo.export import CARD_NAME, export_backbone
from hpo.goldilocks import Candidate, Choice, eligible
from hpo.label_free.goal import Goal
from hpo.record import TrialRow, read_rows
from hpo.retention import Policy, StoredTrial, retained
from hpo.storage import StudyDirectory
from hpo.workload import Workload


class Keeping:
    """Keeps the backbones of the best trials that finished, each study's in a folder of its own.

    `out/STUDY/trial-0007/` holds the weights and a card; `hpo.backbones.load_chosen` reads them.
    Kept are the best `keep` by the objective, and whoever no other beats in it and in closeness of
    α to the zone at once (`hpo.retention`); never those that did not move.

    Args:
        out: where; made when missing.
        workload: what the backbones are trained on.
        goal: one measure.

    Raises:
        StorageError: when the folder cannot be written.
    """

    def __init__(self, out: Path, workload: Workload, goal: Goal) -> None:
        StudyDirectory(out).prepare()
        self.out, self.workload, self.goal = out, workload, goal

    def folder(self, study: optuna.Study) -> Path:
        """Return the folder of a study; whatever its name holds, it lies in `out`."""
        name = quote(study.study_name, safe="")
        return self.out / (f"%2E{name[1:]}" if name.startswith(".") else name)

    def keep(self, trial: optuna.Trial, weights: dict[str, Tensor]) -> None:
        """Write a backbone, and delete what is no longer among the best.

        Args:
            trial: that is about to be told as finished.
            weights: of its backbone.

        Raises:
            StorageError: when something cannot be written or deleted.
        """
        folder = self.folder(trial.study)
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock"):
            rows = {row.number: row for row in read_rows(trial.study, running=True)}
            own = rows[trial.number] = replace(rows[trial.number], state="finished")
            name = self.goal.names[0]
            reason = f"one of the best of {trial.study.study_name}: {name} {own.objective:.4g}"
            choice = Choice(trial.number, reason)
            export_backbone(folder / _name(trial.number), self.workload, own, choice, weights)
            for number in self._useless(folder, rows):
                _delete(folder / _name(number))

    def _useless(self, folder: Path, rows: Mapping[int, TrialRow]) -> list[int]:
        config = self.workload.config
        candidates = [
            Candidate(r.number, r.epoch, r.objective, r.alpha, r.moved)
            for r in rows.values()
            if r.epoch > 0
        ]
        barred = eligible(candidates, least_moved=config.least_moved)
        stored = [
            StoredTrial(
                row.number,
                row.state,
                row.epoch,
                row.objective,
                row.alpha,
                n_bytes=int((folder / _name(row.number) / CARD_NAME).is_file()),
                barred=barred.get(row.number, ""),
            )
            for row in rows.values()
        ]
        policy = Policy(keep=config.keep, direction=self.goal.direction)
        return [gone.number for gone in retained(stored, policy, choosing=False).delete]


def _name(number: int) -> str:
    return f"trial-{number:04d}"


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(
            f"{folder}: cannot be deleted ({error.strerror or error}). Make it writable."
        ) from error
