"""What an Optuna study is told by a Ray experiment."""

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

import search_spaces
from hpo.errors import ConfigError
from hpo.ray_tune import LabelFreeSearcher

SPACE = search_spaces.get("simclr")


@pytest.fixture(params=["memory", "sqlite"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.Study:
    storage = None if request.param == "memory" else f"sqlite:///{tmp_path}/study.db"
    return optuna.create_study(direction="maximize", storage=storage)


def searcher(study: optuna.Study | None = None, **options: Any) -> LabelFreeSearcher:
    return LabelFreeSearcher(SPACE, "guarded_rank", last_epoch=6, study=study, **options)


def result(epoch: int, value: float = 1.0, **more: Any) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "guarded_rank": value,
        "alpha_req": 1.1,
        "training_iteration": 1,
        **more,
    }


def test_it_draws_what_varies_within_its_range(study: optuna.Study) -> None:
    drawn = searcher(study).suggest("a")
    assert set(drawn) == set(SPACE.dimensions)
    SPACE.check({**SPACE.fixed, **drawn})
    assert study.trials[0].params == drawn


def test_a_trial_that_came_to_the_end_is_complete_with_all_it_reported(
    study: optuna.Study,
) -> None:
    search = searcher(study)
    search.suggest("a")
    search.on_trial_result("a", result(2, 0.5))
    search.on_trial_result("a", result(6, 2.0))
    search.on_trial_complete("a", result(6, 2.0))
    trial = study.trials[0]
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 2.0)
    assert trial.intermediate_values == {2: 0.5, 6: 2.0}
    assert trial.user_attrs["rung/2"]["alpha_req"] == 1.1


def test_one_that_was_stopped_early_is_pruned_with_its_last_value(study: optuna.Study) -> None:
    search = searcher(study)
    search.suggest("a")
    search.on_trial_complete("a", result(2, 0.5))  # Ray tells a stopped trial's result only here
    trial = study.trials[0]
    assert (trial.state, trial.intermediate_values) == (TrialState.PRUNED, {2: 0.5})


@pytest.mark.parametrize(
    "last", [result(2, 9.0, collapse="shrunk"), result(6, 9.0, collapse="x"), result(6, math.nan)]
)
def test_a_dead_trial_is_infeasible_and_never_the_best(
    study: optuna.Study, last: dict[str, Any]
) -> None:
    search = searcher(study)
    search.suggest("a")
    search.on_trial_complete("a", last)
    trial = study.trials[0]
    assert trial.state == TrialState.PRUNED
    assert trial.constraints == {"collapse": 1.0}


def test_an_error_is_a_failure_and_nothing_is_left_running(study: optuna.Study) -> None:
    search = searcher(study)
    for name in ("a", "b"):
        search.suggest(name)
    search.on_trial_complete("a", error=True)
    search.on_trial_complete("b")
    assert [trial.state for trial in study.trials] == [TrialState.FAIL] * 2
    search.on_trial_complete("a", result(6))  # told twice, and by a name that nobody asked for
    search.on_trial_complete("c", result(6))
    search.on_trial_result("a", result(2))
    assert [trial.state for trial in study.trials] == [TrialState.FAIL] * 2


def test_smaller_may_be_better() -> None:
    search = searcher(mode="min", seed=1)
    search.suggest("a")
    search.on_trial_complete("a", result(6, 0.25))
    assert search.study.best_value == 0.25
    assert search.study.direction == optuna.study.StudyDirection.MINIMIZE


def test_restored_it_asks_again_for_what_was_asked_for_since(
    study: optuna.Study, tmp_path: Path
) -> None:
    search = searcher(study)
    search.suggest("a")
    search.save(str(tmp_path / "state"))
    if isinstance(study._storage, optuna.storages.InMemoryStorage):
        again = searcher(study)
        again.restore(str(tmp_path / "state"))
        assert again.study.trials[0].params == study.trials[0].params
        return
    lost = search.suggest("b")
    again = searcher(study)
    again.restore(str(tmp_path / "state"))
    assert study.trials[1].state == TrialState.FAIL
    assert again.suggest("c") == lost
    assert again.suggest("d") != lost
    again.on_trial_complete("a", result(6, 3.0))
    assert study.trials[0].value == 3.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "best"}, ["mode", "best", "max"]),
        ({"last_epoch": 0}, ["last_epoch", "0"]),
        ({"mode": "min", "study": True}, ["study", "maximize", "minimize"]),
    ],
)
def test_what_it_refuses(options: dict[str, Any], words: list[str], study: optuna.Study) -> None:
    given = {"last_epoch": 6, **options}
    if given.pop("study", False):
        given["study"] = study
    with pytest.raises(ConfigError) as caught:
        LabelFreeSearcher(SPACE, "guarded_rank", **given)
    assert all(word in str(caught.value) for word in words)


def test_a_result_without_its_epoch_is_an_error(study: optuna.Study) -> None:
    search = searcher(study)
    search.suggest("a")
    with pytest.raises(ConfigError, match=r"time_attr.*'epoch'"):
        search.on_trial_result("a", {"guarded_rank": 1.0})
