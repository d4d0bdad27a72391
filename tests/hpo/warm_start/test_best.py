"""Which trials of an older study are taken, and in which order."""

from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from hpo.record import read_rows
from hpo.warm_start.best import best_of
from tests.hpo.warm_start.older import add, older


def numbers(study: Any, n_trials: int = 3, **options: Any) -> list[int]:
    given = {"chosen": None, "direction": "maximize", "least_moved": 0.1, **options}
    rows = best_of(read_rows(study, running=False), n_trials=n_trials, **given)
    return [row.number for row in rows]


def test_the_chosen_comes_first_and_then_the_best(tmp_path: Path) -> None:
    study = older(tmp_path, 1.0, 4.0, 3.0, 2.0)
    assert numbers(study) == [1, 2, 3]
    assert numbers(study, chosen=0) == [0, 1, 2]
    assert numbers(study, chosen=2, n_trials=2) == [2, 1]
    assert numbers(study, chosen=99) == [1, 2, 3]
    assert numbers(study, direction="minimize") == [0, 3, 2]


def test_only_what_finished_alive_and_moved_is_taken(tmp_path: Path) -> None:
    study = older(tmp_path, 1.0)
    add(study, 9.0, moved=0.01, temperature=0.5)
    add(study, 8.0, state=TrialState.PRUNED, temperature=0.6)
    add(study, 7.0, state=TrialState.FAIL, temperature=0.7)
    add(study, float("nan"), state=TrialState.RUNNING, temperature=0.8)
    assert numbers(study) == [0]
    assert numbers(study, least_moved=0.0) == [1, 0]


def test_nothing_is_taken_twice(tmp_path: Path) -> None:
    study = older(tmp_path, 1.0, 4.0)
    add(study, 9.0, temperature=0.11, attrs={"replicate_of": 1, "seed": 7})
    add(study, 3.0, temperature=0.11)
    assert numbers(study) == [1, 0]
