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
    clock = Clock(Budget.of(config), StopFlag(), started=time.monotonic(), earlier_seconds=spent)
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
    given, notes = asking(study, trials=None, budget="100s", labels=True, spent=95.0)
    assert given.next() is None
    assert given.next() is None
    assert len(notes) == 1
    assert notes[0].startswith("search: the search's part of the budget is spent")
    assert drawn(study) == []


def test_once_one_has_finished_none_starts_that_cannot_finish(study: optuna.Study) -> None:
    given, notes = asking(study, trials=None, budget="30 epochs", epochs=9)
    for number in range(3):
        trial = given.next()
        assert trial is not None
        trial.set_user_attr("spent", {"epochs": 8.0})
        study.tell(trial, 1.0, state=TrialState.COMPLETE if number == 2 else None)
    assert given.next() is None
    assert notes == [
        "search: 6 epochs left of the search's part of the budget; a whole trial takes 9 epochs, "
        "so that what is left is for probes and replicates"
    ]


# Random configurations


def test_the_nth_random_configuration_depends_on_no_result(tmp_path: Path) -> None:
    found = []
    for value in (0.0, 1.0):
        study = open_study(open_storage(tmp_path / f"{value}.db"), direction="maximize")
        for number in range(6):
            given, _ = asking(study, sampler="random", seed=3)
            trial = given.next()
            assert trial is not None
            if number != 2 or value:
                study.tell(trial, value)  # one of them still runs in the other study
            else:
                given._orphans.clear()
                study.tell(trial, state=TrialState.FAIL)
        found.append(drawn(study))
    assert found[0] == found[1]
    assert len({str(params) for params in found[0]}) == 6


def test_another_seed_draws_other_configurations(tmp_path: Path) -> None:
    found = []
    for seed in (0, 1):
        study = open_study(open_storage(tmp_path / f"{seed}.db"), direction="maximize")
        given, _ = asking(study, sampler="random", seed=seed)
        for _ in range(3):
            given.next()
        found.append(drawn(study))
    assert found[0][0] == found[1][0] == SPACE.defaults
    assert found[0][1:] != found[1][1:]


# Replicates


def finished(study: optuna.Study, given: Asking, n: int) -> None:
    for _ in range(n):
        trial = given.next()
        assert trial is not None
        study.tell(trial, sum(trial.params.values()))


def test_a_replicate_has_its_trials_parameters_and_counts_as_no_trial(
    tmp_path: Path,
) -> None:
    found = []
    for repeated in (False, True):
        study = open_study(open_storage(tmp_path / f"{repeated}.db"), direction="maximize")
        given, _ = asking(study, trials=6, sampler="random")
        finished(study, given, 3)
        if repeated:
            given.enqueue_replicate(1, 77)
            again = given.next()
            assert again is not None
            assert again.user_attrs == {"replicate_of": 1, "seed": 77}
            assert again.params == study.trials[1].params
            study.tell(again, 1.0)
            assert study.trials[1].params == study.trials[3].params
        finished(study, given, 3)
        assert given.next() is None
        # The range of b depends on the trial's number, which a replicate moves.
        own = [t for t in study.trials if "replicate_of" not in t.user_attrs]
        found.append([t.params["a"] for t in own])
    assert len(found[1]) == 6
    assert found[0] == found[1]


def test_replicates_are_handed_out_after_the_last_trial_too(study: optuna.Study) -> None:
    given, _ = asking(study, trials=2)
    finished(study, given, 2)
    assert given.next() is None
    for seed in (5, 6):
        given.enqueue_replicate(0, seed)
    assert [given.next() is None for _ in range(3)] == [False, False, True]
    assert [trial.user_attrs.get("seed") for trial in study.trials] == [None, None, 5, 6]


def test_a_replicate_that_was_interrupted_goes_on(study: optuna.Study) -> None:
    given, _ = asking(study, trials=1)
    finished(study, given, 1)
    given.enqueue_replicate(0, 5)
    assert given.next() is not None
    given.enqueue_replicate(0, 6)
    study.enqueue_trial(
        study.trials[0].params, user_attrs={"replicate_of": 0, "seed": 6}
    )  # a process that died before it could ask for it
    again, notes = asking(study, trials=1)
    first, second = again.next(), again.next()
    assert first is not None
    assert second is not None
    assert (first.number, first.user_attrs["seed"], first.params) == (1, 5, SPACE.defaults)
    assert (second.number, second.user_attrs["seed"], second.params) == (2, 6, SPACE.defaults)
    assert again.next() is None
    assert notes == ["trial 1: goes on where it was interrupted"]


def test_a_replicate_that_cannot_finish_does_not_start(study: optuna.Study) -> None:
    given, notes = asking(study, trials=1, budget="10 epochs", epochs=6)
    trial = given.next()
    assert trial is not None
    trial.set_user_attr("spent", {"epochs": 6.0})
    study.tell(trial, 1.0)
    given.enqueue_replicate(0, 5)
    assert given.next() is None
    assert len(study.trials) == 1
    assert notes == ["replicates: 4 epochs left of the budget; a replicate takes 6 epochs"]


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
