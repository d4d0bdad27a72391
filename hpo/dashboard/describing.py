"""Describes trials as they end: a spectrum before Optuna closes them, a note after."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from hpo.dashboard.artifacts import attach, attached, shown_at
from hpo.dashboard.notes import save_note
from hpo.dashboard.spectrum import Spectrum, recorded_spectra
from hpo.dashboard.spectrum_svg import spectrum_svg
from hpo.dashboard.trial_note import facts_of, trial_note
from hpo.errors import in_a_line
from hpo.interruption import Interrupted
from hpo.record import RUNG, TrialRow, read_rows
from hpo.storage import StudyDirectory

CONSTRAINT = (
    "constraint/"  # trial attribute: what the sampler was told, which dashboards do not read
)
PICTURE = "spectrum-"  # what file names begin with
_AS_NUMBERS = ("alpha_req", "moved")


class Describing:
    """Describes the trials of a study as they end, in the process that tells the study so.

    What goes wrong here is said, once, and ends no trial.

    Args:
        study: whose trials.
        directory: of the study.
        say: told what went wrong.
    """

    def __init__(
        self,
        study: optuna.Study,
        directory: StudyDirectory,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._study, self._directory, self._say = study, directory, say
        self._said = False

    def ending(self, trial: optuna.Trial) -> None:
        """Add what Optuna takes for a trial only until it has ended: numbers and the spectrum.

        Args:
            trial: about to end; its measures, outcome and constraints are recorded.
        """
        with harmless(self._say_once):
            frozen = trial.study.get_trials(deepcopy=False)[trial.number]
            for name, value in mirrored(frozen).items():
                if name not in frozen.user_attrs:
                    trial.set_user_attr(name, value)
            spectra = recorded_spectra(frozen.user_attrs)
            if is_drawable(spectra):
                name, picture = drawn(trial.number, spectra)
                attach(trial, self._directory, name, picture)

    def ended(self, number: int) -> None:
        """Write the note of a trial that has ended.

        Args:
            number: of the trial.
        """
        with harmless(self._say_once):
            study = self._study
            row = read_rows(study, running=True)[number]
            trial = study.get_trials(deepcopy=False)[number]
            known = study._storage.get_study_system_attrs(study._study_id)
            text = note_of(study, row, trial, study.user_attrs, known)
            save_note(study, trial._trial_id, text, known=known)

    def _say_once(self, text: str) -> None:
        if not self._said:
            self._said = True
            self._say(text)


@contextmanager
def harmless(say: Callable[[str], None]) -> Iterator[None]:
    """Say what goes wrong in the body and raise nothing but an interruption.

    Args:
        say: told in one line.
    """
    try:
        yield
    except Interrupted:
        raise
    except Exception as error:
        say(
            f"notes and pictures for optuna-dashboard: {in_a_line(error)}; the study is not "
            "touched by it. `goldilocks dashboard` adds what is missing later."
        )


def mirrored(trial: FrozenTrial) -> dict[str, Any]:
    """Return what a table of the dashboard can show and sort: constraints, and α and moved alone.

    Args:
        trial: with its rungs and constraints.
    """
    found: dict[str, Any] = {f"{CONSTRAINT}{k}": v for k, v in trial.constraints.items()}
    epochs = [int(key.removeprefix(RUNG)) for key in trial.user_attrs if key.startswith(RUNG)]
    if epochs:
        values = trial.user_attrs[f"{RUNG}{max(epochs)}"]
        found |= {k: values[k] for k in _AS_NUMBERS if math.isfinite(values.get(k, math.nan))}
    return found


def is_drawable(spectra: Sequence[Spectrum]) -> bool:
    """Say whether there is anything to draw: an eigenvalue above 0 at the last rung."""
    return bool(spectra) and 0.0 < max(spectra[-1].eigenvalues, default=0.0) < math.inf


def drawn(number: int, spectra: Sequence[Spectrum]) -> tuple[str, str]:
    """Return the name and the document of a trial's picture.

    Args:
        number: of the trial.
        spectra: of its rungs, the last one's last.
    """
    epoch = spectra[-1].epoch
    before = ", ".join(str(spectrum.epoch) for spectrum in spectra[:-1])
    title = f"trial {number}, epoch {epoch}" + (f" (grey: {before})" if before else "")
    return f"{PICTURE}{epoch:04d}.svg", spectrum_svg(title, spectra)


def note_of(
    study: optuna.Study,
    row: TrialRow,
    trial: FrozenTrial,
    study_attrs: Mapping[str, Any],
    system_attrs: Mapping[str, Any],
) -> str:
    """Return a trial's note as things stand, in markdown.

    Args:
        study: the trial's.
        row: the trial as people see it.
        trial: the same as it is stored.
        study_attrs: user attributes of the study.
        system_attrs: its system attributes.
    """
    facts = facts_of(row, trial.user_attrs, study_attrs)
    known = attached(trial.system_attrs, system_attrs, trial._trial_id)
    pictures = sorted(name for name in known if name.startswith(PICTURE))
    if not pictures:
        return trial_note(facts)
    return trial_note(facts, shown_at(study, trial._trial_id, known[pictures[-1]]))
