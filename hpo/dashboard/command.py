"""`goldilocks dashboard`: what optuna-dashboard shows, added to a study that lacks it."""

from __future__ import annotations

from pathlib import Path

import optuna
from rich.console import Console
from rich.text import Text

from hpo.dashboard.whole_study import Described, dashboard_command, describe_study
from hpo.errors import StorageError
from hpo.storage import StudyDirectory, load_study


def describe_out(console: Console, out: Path) -> None:
    """Add notes and spectra to the study of a directory, and say how to look at them.

    Args:
        console: where to say it.
        out: the directory.

    Raises:
        StorageError: when there is no study, or it or its folder cannot be written.
        ConfigError: when the driver of the study's database is missing.
        StudyMismatchError: when the study of that name belongs to another directory.
    """
    directory = StudyDirectory(out)
    study = load_study(directory)
    try:
        added = describe_study(study, directory, running=directory.is_running())
    except (OSError, optuna.exceptions.OptunaError) as error:
        raise StorageError(
            f"out: {out} cannot be written ({error}). Make the directory and the database "
            "writable, or copy the directory and give the copy."
        ) from error
    console.print(Text(summary(added)), soft_wrap=True)
    console.print(Text(dashboard_command(directory)), soft_wrap=True)


def summary(added: Described) -> str:
    """Say in a line what was added.

    >>> summary(Described(n_notes=17, n_spectra=1, n_own=2, n_without=3))
    '17 notes and 1 spectrum added; 2 notes of your own kept; of 3 trials nobody kept a spectrum.'
    """
    notes = f"{added.n_notes} note{'s' * (added.n_notes != 1)}"
    spectra = f"{added.n_spectra} spectr{'um' if added.n_spectra == 1 else 'a'}"
    own = f"{added.n_own} note{'s' * (added.n_own != 1)} of your own kept" * (added.n_own > 0)
    trials = f"{added.n_without} trial{'s' * (added.n_without != 1)}"
    without = f"of {trials} nobody kept a spectrum" * (added.n_without > 0)
    return "; ".join(filter(None, (f"{notes} and {spectra} added", own, without))) + "."
