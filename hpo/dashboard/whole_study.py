"""Describes a whole study: its own note, and whatever its trials still lack."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from hpo.dashboard.artifacts import artifact_folder, attach_later, attached
from hpo.dashboard.describing import PICTURE, drawn, harmless, is_drawable, note_of
from hpo.dashboard.notes import save_note
from hpo.dashboard.spectrum import cached_spectra, recorded_spectra
from hpo.dashboard.study_note import study_note
from hpo.database_errors import shown
from hpo.place import recorded_place
from hpo.record import TrialRow, read_rows
from hpo.storage import StudyDirectory


@dataclass(frozen=True)
class Described:
    """What was added to a study.

    Args:
        n_notes: notes written or brought up to date.
        n_spectra: pictures added.
        n_own: notes that a person wrote, left as they are.
        n_without: trials with measures whose spectrum nobody kept.
    """

    n_notes: int = 0
    n_spectra: int = 0
    n_own: int = 0
    n_without: int = 0


def describe_study(
    study: optuna.Study, directory: StudyDirectory, *, running: bool = False
) -> Described:
    """Write a study's note, and add what its ended trials lack; again adds nothing.

    A note that a person wrote or changed stays as it is. The name of the objective is told to
    Optuna, so that axes bear it.

    Args:
        study: to describe.
        directory: of the study.
        running: whether a process is at work on it.

    Raises:
        OSError: when a picture or the database cannot be written.
    """
    name_the_objective(study)
    known = study._storage.get_study_system_attrs(study._study_id)
    saved = [save_note(study, None, study_note(study, directory, running=running), known=known)]
    n_spectra = n_without = 0
    attrs = study.user_attrs
    for row, trial in zip(
        read_rows(study, running=running), study.get_trials(deepcopy=False), strict=False
    ):
        if not trial.state.is_finished():
            continue
        if row.rungs:
            added = _add_spectrum(study, directory, row, trial, known)
            n_spectra += added is True
            n_without += added is None
            known = study._storage.get_study_system_attrs(study._study_id) if added else known
        note = note_of(study, row, trial, attrs, known)
        saved.append(save_note(study, trial._trial_id, note, known=known))
    return Described(saved.count("written"), n_spectra, saved.count("theirs"), n_without)


def describe_choice(
    study: optuna.Study, directory: StudyDirectory, say: Callable[[str], None]
) -> None:
    """Describe a study whose run has ended; what goes wrong is said, and raises nothing.

    Args:
        study: with its choice.
        directory: of the study.
        say: told what went wrong.
    """
    with harmless(say):
        describe_study(study, directory)


def name_the_objective(study: optuna.Study) -> None:
    """Tell Optuna what the value of a trial is called, unless somebody has."""
    objective = study.user_attrs.get("config", {}).get("objective")
    if objective and len(study.directions) == 1 and study.metric_names is None:
        with warnings.catch_warnings():
            # Experimental since Optuna 3.2; the dashboard has no other name for it.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names([objective])


def dashboard_command(directory: StudyDirectory) -> str:
    """Return the command that shows a study in the dashboard.

    Args:
        directory: of the study.

    >>> from pathlib import Path
    >>> dashboard_command(StudyDirectory(Path("studies/a")))
    'optuna-dashboard sqlite:///studies/a/study.db --artifact-dir studies/a/artifacts'
    """
    place = recorded_place(directory.out)
    url = f"sqlite:///{directory.database}"
    if place is not None and place.url is not None:
        url = shown(place.url)
    folder = str(artifact_folder(directory))
    return shlex.join(["optuna-dashboard", url, "--artifact-dir", folder])


def _add_spectrum(
    study: optuna.Study,
    directory: StudyDirectory,
    row: TrialRow,
    trial: FrozenTrial,
    known: Mapping[str, Any],
) -> bool | None:
    """Add a trial's picture: True; False where it has one, None where there is nothing to draw."""
    names = attached(trial.system_attrs, known, trial._trial_id)
    if any(name.startswith(PICTURE) for name in names):
        return False
    spectra = recorded_spectra(trial.user_attrs) or cached_spectra(directory.out, row.number)
    if not is_drawable(spectra):
        return None
    attach_later(study, trial._trial_id, directory, *drawn(row.number, spectra))
    return True
