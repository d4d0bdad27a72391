"""Pictures of trials in Optuna's artifact store, where optuna-dashboard finds them."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import optuna
from optuna.artifacts import ArtifactMeta, FileSystemArtifactStore, upload_artifact

from hpo.storage import StudyDirectory

_TYPE = "image/svg+xml"
_OF_A_TRIAL = "artifacts:"  # Optuna's key, among the attributes of the trial
_OF_AN_ENDED_TRIAL = "dashboard:artifacts:{trial_id}:"  # the dashboard's, among the study's


def artifact_folder(directory: StudyDirectory) -> Path:
    """Return where a study's artifacts lie."""
    return directory.out / "artifacts"


def attach(trial: optuna.Trial, directory: StudyDirectory, name: str, picture: str) -> None:
    """Attach an SVG picture to a trial that has not ended, as Optuna does it.

    Args:
        trial: the running trial.
        directory: of the study.
        name: of the file; one of this name that is there already stays as it is.
        picture: the document.

    Raises:
        OSError: when it cannot be written.
    """
    system_attrs = trial.storage.get_trial_system_attrs(trial._trial_id)
    if name in attached(system_attrs, {}, trial._trial_id):
        return
    store = _store(directory)
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(picture, encoding="utf-8")
        upload_artifact(
            artifact_store=store, file_path=str(path), study_or_trial=trial, mimetype=_TYPE
        )


def attach_later(
    study: optuna.Study,
    trial_id: int,
    directory: StudyDirectory,
    name: str,
    picture: str,
) -> None:
    """Attach an SVG picture to a trial that has ended, to which Optuna adds nothing any more.

    The dashboard also looks among the study's attributes, where older versions of it kept the
    artifacts of trials; Optuna's own list of a trial's artifacts does not show these.

    Args:
        study: the trial's.
        trial_id: the storage's id of it.
        directory: of the study.
        name: of the file.
        picture: the document.

    Raises:
        OSError: when it cannot be written.
    """
    artifact_id = str(uuid.uuid4())
    _store(directory).write(artifact_id, io.BytesIO(picture.encode()))
    meta = ArtifactMeta(artifact_id=artifact_id, filename=name, mimetype=_TYPE, encoding=None)
    key = _OF_AN_ENDED_TRIAL.format(trial_id=trial_id) + artifact_id
    study._storage.set_study_system_attr(study._study_id, key, json.dumps(asdict(meta)))


def attached(
    trial_attrs: Mapping[str, Any], study_attrs: Mapping[str, Any], trial_id: int
) -> dict[str, str]:
    """Return a trial's artifacts: the id of each by its file name; deleted ones apart.

    Args:
        trial_attrs: system attributes of the trial.
        study_attrs: system attributes of the study.
        trial_id: the storage's id of the trial.
    """
    later = _OF_AN_ENDED_TRIAL.format(trial_id=trial_id)
    found = [value for key, value in trial_attrs.items() if key.startswith(_OF_A_TRIAL)]
    found += [value for key, value in study_attrs.items() if key.startswith(later)]
    known = [meta for value in found if (meta := json.loads(value)) is not None]
    return {meta["filename"]: meta["artifact_id"] for meta in known}


def shown_at(study: optuna.Study, trial_id: int, artifact_id: str) -> str:
    """Return the path at which the dashboard serves a trial's artifact.

    Args:
        study: the trial's.
        trial_id: the storage's id of it.
        artifact_id: of the artifact.
    """
    return f"/artifacts/{study._study_id}/{trial_id}/{artifact_id}"


def _store(directory: StudyDirectory) -> FileSystemArtifactStore:
    folder = artifact_folder(directory)
    folder.mkdir(parents=True, exist_ok=True)
    return FileSystemArtifactStore(folder)
