"""Where the trials of a cluster go on: their checkpoints, by what the study says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

from hpo.checkpoint import load_checkpoint
from hpo.ray_tune.checkpoint_store import CheckpointStore
from hpo.ray_tune.reports import Report
from hpo.storage import StudyDirectory

RAY_CHECKPOINT = "ray_checkpoint"  # trial attribute: url, epoch and rungs of its newest checkpoint


@dataclass(frozen=True)
class Handout:
    """Where a trial goes on.

    Args:
        url: of the checkpoint; None for a trial that begins.
        epoch: trained there.
        rungs: epochs of the rungs measured there.
    """

    url: str | None = None
    epoch: int = 0
    rungs: tuple[int, ...] = ()

    def next_rung(self, rungs: Sequence[int]) -> int | None:
        """Return the first rung that is not measured yet; None when all are.

        >>> Handout("x", 7, (2, 6)).next_rung([2, 6, 18])
        18
        """
        return next((rung for rung in rungs if rung not in self.rungs), None)


class Resuming:
    """The checkpoints of trials that a cluster runs.

    Ray keeps the newest one of each where all nodes reach it; the one of its last rung is also
    copied to the study's own directory, where probes, the choice and retention find it.

    Args:
        store: where all nodes reach them.
        directory: the study's.
        experiment: folder in the store for what this run writes.
    """

    def __init__(self, store: CheckpointStore, directory: StudyDirectory, experiment: str) -> None:
        self.store, self.directory, self.experiment = store, directory, experiment

    def handout(self, trial: optuna.Trial) -> Handout:
        """Return where a trial goes on; a checkpoint of another engine is sent to the store."""
        kept = _kept(trial.user_attrs)
        if kept is not None:
            return kept
        file = self.directory.newest_checkpoint(trial.number)
        if file is None:
            return Handout()
        state = load_checkpoint(file)
        url = f"{self.store.url}/{self.experiment}/sent/trial-{trial.number:04d}"
        self.store.send(file, url)
        rungs = tuple(sorted(int(rung) for rung in state["rungs"]))
        return Handout(url, int(state["training"]["epoch"]), rungs)

    def keep(self, trial: optuna.Trial, path: str, report: Report) -> None:
        """Take note of a new checkpoint, and copy it if it is one of a rung.

        Args:
            trial: whose it is.
            path: of it on the store's file system.
            report: what was reported when it was written.
        """
        url = self.store.url_of(path)
        if report.rung:
            self.store.fetch(url, self.directory.checkpoint(trial.number))
            self.directory.between_rungs(trial.number).unlink(missing_ok=True)
        trial.set_user_attr(
            RAY_CHECKPOINT,
            {"url": url, "epoch": report.epoch, "rungs": list(report.rungs_measured)},
        )

    def forget(self, trial: optuna.Trial) -> None:
        """Delete Ray's checkpoint of a trial that has ended."""
        kept = trial.user_attrs.get(RAY_CHECKPOINT)
        if kept:
            CheckpointStore(kept["url"]).delete(kept["url"])

    def sweep(self, study: optuna.Study) -> None:
        """Delete what all runs wrote, but for what running trials go on from."""
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        needed = [kept.url or "" for t in running if (kept := _kept(t.user_attrs)) is not None]
        for folder in self.store.folders():
            if not any(url.startswith(f"{folder}/") for url in needed):
                self.store.delete(folder)


def collect_checkpoints(study: optuna.Study, directory: StudyDirectory) -> None:
    """Bring the checkpoints that a cluster left to the study's directory, for another engine."""
    for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        kept = _kept(frozen.user_attrs)
        if kept is not None and kept.url is not None:
            store = CheckpointStore(kept.url)
            store.fetch(kept.url, directory.between_rungs(frozen.number))
            optuna.Trial(study, frozen._trial_id).set_user_attr(RAY_CHECKPOINT, None)


def _kept(attrs: dict[str, Any]) -> Handout | None:
    """The checkpoint that a trial's attributes name, if it is still there."""
    kept = attrs.get(RAY_CHECKPOINT)
    if not kept or not CheckpointStore(kept["url"]).exists(kept["url"]):
        return None
    return Handout(kept["url"], int(kept["epoch"]), tuple(kept["rungs"]))
