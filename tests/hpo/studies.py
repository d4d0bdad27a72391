"""Small real studies for the tests: digits at 8 pixels, a second or two a trial."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from hpo.config import StudyConfig, load_config

TINY: dict[str, Any] = {
    "data": "digits",
    "image_size": 8,
    "batch_size": 64,
    "epochs": 6,
    "trials": 3,
    "lidar_views": 4,
    "threads": 1,
    "workers": 1,
    "precision": "float32",  # the same on every machine
    "least_moved": 0.0,
}


def tiny(out: Path, **options: Any) -> StudyConfig:
    """Return a configuration of a study that takes seconds."""
    return load_config(None, {**TINY, "out": out, **options})


def tiny_arguments(out: Path, **options: Any) -> list[str]:
    """Return the same as arguments of `goldilocks run`."""
    arguments = []
    for name, value in {**TINY, "out": out, **options}.items():
        flag = "--" + name.replace("_", "-")
        arguments += [flag] if value is True else [flag, str(value)]
    return arguments


def states(database: Path) -> list[tuple[int, str]]:
    """Read numbers and states from the file itself, past every cache."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT number, state FROM trials ORDER BY number").fetchall()
    return [(int(number), str(state)) for number, state in rows]


def values(database: Path) -> list[tuple[int, int, float]]:
    """Read every reported value: trial, epoch, value."""
    with sqlite3.connect(database) as connection:
        return connection.execute(
            "SELECT t.number, v.step, v.intermediate_value FROM trial_intermediate_values v "
            "JOIN trials t ON t.trial_id = v.trial_id ORDER BY t.number, v.step"
        ).fetchall()


def parameters(database: Path) -> list[tuple[int, str, float]]:
    """Read every hyperparameter that was drawn: trial, name, value."""
    with sqlite3.connect(database) as connection:
        return connection.execute(
            "SELECT t.number, p.param_name, p.param_value FROM trial_params p "
            "JOIN trials t ON t.trial_id = p.trial_id ORDER BY t.number, p.param_name"
        ).fetchall()
