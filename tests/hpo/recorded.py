"""Studies as they are recorded, written attribute by attribute: no training, in milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from hpo.config import StudyConfig
from hpo.storage import STUDY_NAME, StudyDirectory

IMAGES_PER_EPOCH = 1000
_ENDS = {
    "finished": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "collapse": TrialState.PRUNED,
    "zone": TrialState.PRUNED,
    "halving": TrialState.PRUNED,
    "budget": TrialState.PRUNED,
}


def recorded_study(out: Path, **options: Any) -> optuna.Study:
    """Return an empty study in SQLite with its configuration: 1,000 images an epoch, 9 epochs."""
    directory = StudyDirectory(out)
    directory.prepare()
    # Without the heartbeat of `open_storage`, of which Optuna says that it wants `optimize`.
    study = optuna.create_study(
        study_name=STUDY_NAME,
        storage=RDBStorage(f"sqlite:///{directory.database}"),
        sampler=optuna.samplers.RandomSampler(seed=0),
        direction="maximize",
    )
    config = {"epochs": 9, "batch_size": 100, "out": out, "objective": "rankme", **options}
    study.set_user_attr("config", StudyConfig(**config).model_dump(mode="json"))
    study.set_user_attr(
        "images", {"train": IMAGES_PER_EPOCH, "measure": 50, "probe": 0, "skipped": 0}
    )
    return study


def add_session(study: optuna.Study, seconds: float, workers: int = 1, number: int = 0) -> None:
    study.set_user_attr(f"session/{number}", {"seconds": seconds, "workers": workers})


def add_trial(
    study: optuna.Study,
    end: str | None,
    *,
    epoch: int = 9,
    objective: float = 5.0,
    alpha: float = 1.0,
    moved: float = 0.5,
    train: float = 9.0,
    measure: float = 1.0,
    lost_epochs: int = 0,
    reason: str = "",
    replicate_of: int | None = None,
) -> int:
    """Add a trial that got to `epoch`, a second of training an epoch unless said otherwise.

    Args:
        end: how it ended; None for one that is running.
        lost_epochs: trained by a process that was killed, a second each.
    """
    trial = study.ask()
    trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    if replicate_of is not None:
        trial.set_user_attr("replicate_of", replicate_of)
        trial.set_user_attr("seed", 1)
    if epoch:
        values = {"rankme": objective, "alpha_req": alpha, "moved": moved}
        trial.set_user_attr(f"rung/{epoch}", values)
        trial.report(objective, step=epoch)
        n_images = epoch * IMAGES_PER_EPOCH
        trial.set_user_attr(
            "spent",
            {
                "epochs": float(epoch + lost_epochs),
                "images": n_images + lost_epochs * IMAGES_PER_EPOCH,
                "device_seconds": train + measure + lost_epochs,
            },
        )
        if end is not None:
            trial.set_user_attr("seconds", {"train": train, "measure": measure})
            trial.set_user_attr("images_per_second", n_images / train)
    if end is None:
        return trial.number
    if end not in ("finished", "failed"):
        trial.set_user_attr("outcome", {"kind": end, "reason": reason})
    if end == "failed":
        trial.set_user_attr("outcome", {"kind": "error", "reason": reason})
    study.tell(trial, objective if end == "finished" else None, state=_ENDS[end])
    return trial.number


def choose(study: optuna.Study, number: int, listed: list[int], **more: Any) -> None:
    """Record a choice that considered every trial there is."""
    rest = [t.number for t in study.get_trials(deepcopy=False) if t.number not in listed]
    study.set_user_attr(
        "shortlist", {"numbers": listed, "excluded": {str(n): "place 9 of 9" for n in rest}}
    )
    study.set_user_attr("choice", {"number": number, "reason": "highest rankme", **more})


def add_files(directory: StudyDirectory, numbers: list[int], n_bytes: int = 1000) -> None:
    """Write a checkpoint at the last rung for each trial."""
    directory.checkpoints.mkdir(exist_ok=True)
    for number in numbers:
        directory.checkpoint(number).write_bytes(b"x" * n_bytes)


def files(directory: StudyDirectory) -> set[str]:
    return {path.name for path in directory.checkpoints.iterdir()}
