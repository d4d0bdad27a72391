"""An older study to take configurations from: a real storage, trials recorded and not trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState, create_trial

from hpo.config import StudyConfig
from tests.hpo.recorded import recorded_study

NEW = {"epochs": 9, "batch_size": 100, "objective": "rankme"}
DEFAULTS = {"lr": 1e-3, "weight_decay": 0.01, "temperature": 0.2}
FIXED = {"warmup_share": 0.1, "projector_width": "auto"}


def older(out: Path, *objectives: float, **options: Any) -> optuna.Study:
    """Return a study of SimCLR with one finished trial for each objective."""
    study = recorded_study(out, **options)
    for place, objective in enumerate(objectives):
        add(study, objective, temperature=0.1 + place / 100)
    return study


def add(
    study: optuna.Study,
    objective: float,
    *,
    moved: float = 0.5,
    state: TrialState = TrialState.COMPLETE,
    attrs: dict[str, Any] | None = None,
    **values: Any,
) -> int:
    """Add a trial that was measured at the last epoch; return its number."""
    hyperparameters = {**DEFAULTS, **FIXED, **values}
    measured = {"rankme": objective, "alpha_req": 1.0, "moved": moved}
    study.add_trial(
        create_trial(
            state=state,
            value=objective if state == TrialState.COMPLETE else None,
            intermediate_values={9: objective},
            user_attrs={
                "rung/9": measured,
                "hyperparameters": {n: v for n, v in hyperparameters.items() if v is not None},
                **(attrs or {}),
            },
        )
    )
    return len(study.get_trials(deepcopy=False)) - 1


def new(out: Path, **options: Any) -> StudyConfig:
    """Return the configuration of a study that begins with older ones."""
    return StudyConfig(**{**NEW, "out": out, **options})
