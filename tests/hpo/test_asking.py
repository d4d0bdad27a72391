"""Which trial comes next, and that a draw that was cut short goes on as it would have."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from hpo.asking import Asking, grid_of
from hpo.budget import Budget
from hpo.config import StudyConfig
from hpo.interruption import StopFlag
from hpo.meter import Clock
from hpo.storage import open_storage, open_study
from search_spaces import Categorical, Float, SearchSpace, When


class Widening(SearchSpace):
    """A range that depends on what was drawn before; of some trials it is a single value."""

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        a = trial.suggest_float("a", 0.1, 1.0)
        b = trial.suggest_float("b", 0.0 if trial.number % 2 else a, a)
        return {"a": a, "b": b, "c": trial.suggest_float("c", 0.0, 1.0)}


SPACE = Widening("m", {name: Float(0.0, 1.0, default=0.5) for name in "abc"})


def asking(
    study: optuna.Study, *, spent: float = 0.0, suggest: Any = SPACE.suggest, **options: Any
) -> tuple[Asking, list[str]]:
    config, notes = StudyConfig(**{"trials": 20, **options}), []
    clock = Clock(
        Budget(config.budget_seconds), StopFlag(), started=time.monotonic(), earlier_seconds=spent
    )
    made = Asking(study, config, SPACE, clock, first_rung=1, suggest=suggest, note=notes.append)
    return made, notes


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return open_study(open_storage(tmp_path / "study.db"), direction="maximize")


def drawn(study: optuna.Study) -> list[dict[str, float]]:
    return [trial.params for trial in study.get_trials()]


def test_never_more_trials_than_asked_for_however_many_run(study: optuna.Study) -> None:
    given, _ = asking(study, trials=3)
    trials = [given.next() for _ in range(5)]
    assert [trial and trial.number for trial in trials] == [0, 1, 2, None, None]
    assert drawn(study)[0] == SPACE.defaults
    assert all(params != SPACE.defaults for params in drawn(study)[1:])


def test_a_trial_taken_back_comes_before_a_new_one_even_after_the_last(
    study: optuna.Study,
) -> None:
    given, notes = asking(study, trials=2)
    first, _, none = given.next(), given.next(), given.next()
    assert none is None
    assert first is not None
    given.take_back(first.number)
    again = given.next()
    assert again is not None
    assert (again.number, again.params) == (0, SPACE.defaults)
    assert given.next() is None
    assert notes == ["trial 0: goes on where it was interrupted"]


def test_without_budget_left_none_starts_and_it_is_said_once(study: optuna.Study) -> None:
    given, notes = asking(study, trials=None, budget="100s", spent=95.0)
    assert given.next() is None
    assert given.next() is None
    assert len(notes) == 1
    assert notes[0].startswith("search: the search's part of the budget is spent")
    assert drawn(study) == []


class Cut(Exception):
    pass


@pytest.mark.parametrize("n_before", [3, 4, 12, 13])
@pytest.mark.parametrize("n_drawn", [0, 1, 2])
def test_a_draw_that_was_cut_short_goes_on_with_the_ranges_it_had(
    tmp_path: Path, n_before: int, n_drawn: int
) -> None:
    def cut_short(trial: optuna.Trial) -> None:
        if n_drawn > 0:
            a = trial.suggest_float("a", 0.1, 1.0)
        if n_drawn > 1:
            trial.suggest_float("b", 0.0 if trial.number % 2 else a, a)
        raise Cut

    found = []
    for name in ("whole", "cut"):
        study = open_study(open_storage(tmp_path / f"{name}.db"), direction="maximize")
        given, _ = asking(study)
        for _ in range(n_before):
            trial = given.next()
            assert trial is not None
            study.tell(trial, sum(trial.params.values()))
        if name == "cut":
            with pytest.raises(Cut):
                asking(study, suggest=cut_short)[0].next()
            assert study.get_trials()[-1].state == TrialState.RUNNING
            given, _ = asking(study)
        assert given.next() is not None
        found.append(drawn(study))
    assert found[0] == found[1]


# Grids

GRID = SearchSpace(
    "m", {"a": Categorical((1, 2, 3), default=2), "b": Categorical(("x", "y"), default="y")}
)


def grid_asking(study: optuna.Study, **options: Any) -> tuple[Asking, list[str]]:
    config, notes = StudyConfig(**{"trials": 20, **options}), []
    clock = Clock(Budget(None), StopFlag(), started=time.monotonic(), earlier_seconds=0.0)
    given = Asking(
        study, config, GRID, clock, first_rung=1, suggest=GRID.suggest, note=notes.append
    )
    return given, notes


def test_every_point_of_a_grid_has_one_trial_and_the_defaults_the_first(
    study: optuna.Study,
) -> None:
    given, notes = grid_asking(study)
    while given.next() is not None:
        pass
    points = [tuple(params.values()) for params in drawn(study)]
    assert points[0] == (2, "y")
    assert sorted(points) == [(a, b) for a in (1, 2, 3) for b in "xy"]
    assert notes == ["search: all 6 points of the grid have had their trial"]


def test_a_grid_goes_on_where_it_was(study: optuna.Study) -> None:
    first, _ = grid_asking(study)
    for _ in range(3):
        trial = first.next()
        assert trial is not None
        study.tell(trial, 1.0)
    study.enqueue_trial({"a": 1, "b": "x"})  # a process that died right after enqueueing
    second, _ = grid_asking(study)
    assert len(study.get_trials()) == 4
    second.next()
    assert len(study.get_trials()) == 4


def test_the_seed_orders_a_grid() -> None:
    orders = {str(grid_of(GRID, seed)) for seed in range(5)}
    assert len(orders) > 1
    assert grid_of(GRID, 3) == grid_of(GRID, 3)


@pytest.mark.parametrize(
    "other", [Float(0.0, 1.0, default=0.5), Categorical((1, 2), default=1, when=When("b", ("x",)))]
)
def test_what_varies_otherwise_is_no_grid(other: Any) -> None:
    assert grid_of(SearchSpace("m", {**GRID.dimensions, "c": other}), seed=0) == []
    assert grid_of(SearchSpace("m", {}), seed=0) == []
