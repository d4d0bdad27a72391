"""Recorded studies whose trials have spectra: real storage and artifacts, no training."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.trial import TrialState

from hpo.dashboard import SPECTRUM, Describing, spectrum_record
from hpo.storage import StudyDirectory
from tests.hpo.recorded import add_session, recorded_study

EPOCHS = (1, 3, 9)


class Lines:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str) -> None:
        self.lines.append(text)


def power_law(alpha: float = 1.0, n: int = 128, scale: float = 4.0) -> list[float]:
    return [scale * k**-alpha for k in range(1, n + 1)]


def made_study(out: Path, **options: object) -> tuple[optuna.Study, StudyDirectory]:
    study = recorded_study(out, **options)
    add_session(study, 60.0)
    return study, StudyDirectory(out)


def begin(
    study: optuna.Study,
    *,
    alpha: float = 1.0,
    epochs: tuple[int, ...] = EPOCHS,
    spectra: bool = True,
) -> optuna.Trial:
    """Ask for a trial and record rungs as the study's own runner does."""
    trial = study.ask()
    trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    trial.set_user_attr("hyperparameters", {**trial.params, "warmup_share": 0.1})
    for epoch in epochs:
        values = {
            "rankme": 5.0 + epoch,
            "alpha_req": alpha,
            "alpha_r_squared": 0.99,
            "moved": 0.5,
            "ssl_loss": 4.0 / epoch,
        }
        trial.set_user_attr(f"rung/{epoch}", values)
        if spectra:
            trial.set_user_attr(f"{SPECTRUM}{epoch}", spectrum_record(power_law(alpha)))
        trial.report(values["rankme"], step=epoch)
    if epochs:
        trial.set_user_attr("seconds", {"train": 9.0, "measure": 1.0})
        trial.set_user_attr("spent", {"epochs": float(epochs[-1]), "images": 9000})
    return trial


def end(
    trial: optuna.Trial,
    describing: Describing | None,
    *,
    kind: str = "",
    reason: str = "",
) -> int:
    """End a trial as the study's own runner does, described if anything describes it."""
    state = TrialState.COMPLETE
    if kind:
        state = TrialState.FAIL if kind == "error" else TrialState.PRUNED
        trial.set_user_attr("outcome", {"kind": kind, "reason": reason})
    if kind == "collapse":
        trial.set_user_attr("collapse", reason)
        trial.set_constraint("collapse", 1.0)
    if describing is not None:
        describing.ending(trial)
    trial.study.tell(trial, None if kind else 14.0, state=state)
    if describing is not None:
        describing.ended(trial.number)
    return trial.number
