"""Experiments of people's own, on a real Ray cluster: any scheduler, any searcher, our parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
import ray.cloudpickle
from optuna.trial import TrialState
from ray import tune
from ray.tune.schedulers import ASHAScheduler, MedianStoppingRule, PopulationBasedTraining
from ray.tune.search.optuna import OptunaSearch

import search_spaces
from hpo.ray_tune import CollapseStopper, GoldilocksScheduler, LabelFreeSearcher, trainable
from hpo.ray_tune.user_trainable import _NAMES
from tests.hpo.ray_tune.own_cluster import cluster

pytestmark = [pytest.mark.ray, pytest.mark.slow]

TINY: dict[str, Any] = {
    "image_size": 8,
    "batch_size": 64,
    "max_images": 400,
    "lidar_views": 2,
    "threads": 1,
    "precision": "float32",
}
SPACE = search_spaces.get("simclr").to_ray()
ALIVE = {"lr": 1e-3, "weight_decay": 0.01, "temperature": 0.2}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with cluster() as home:
        yield home


def fit(
    home: Path, made: Any, space: Any, stop: Any = None, at_once: int = 1, **options: Any
) -> tune.ResultGrid:
    """Run an experiment and return its trials in the order in which they were made."""
    tuner = tune.Tuner(
        made,
        param_space=space,
        tune_config=tune.TuneConfig(max_concurrent_trials=at_once, reuse_actors=True, **options),
        run_config=tune.RunConfig(storage_path=str(home / "own"), stop=stop, verbose=0),
    )
    return tuner.fit()


def test_the_ten_lines_of_the_readme_run_as_they_are_printed(home: Path) -> None:
    """In a process of their own: Ray looks up the home directory when it is imported."""
    address = ray.get_runtime_context().gcs_address
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("ten_lines.py")],
        env={**os.environ, "RAY_ADDRESS": address},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "4 TERMINATED" in done.stdout
    (folder,) = (home / "ray_results").iterdir()
    results = [file.read_text().splitlines() for file in folder.glob("*/result.json")]
    ends = [json.loads(lines[-1]) for lines in results]
    assert len(ends) == 4
    assert 6 in {end["epoch"] for end in ends} <= {1, 2, 6}
    assert {end["collapse"] for end in ends} == {""}


def test_a_result_has_every_measure_by_its_name(home: Path) -> None:
    results = fit(home, trainable(epochs=2, **TINY), ALIVE)
    metrics = results[0].metrics
    assert not results.errors
    assert set(_NAMES) <= set(metrics)
    assert {n for n, v in metrics.items() if isinstance(v, float)} - set(_NAMES) == {
        "objective", "time_since_restore", "time_this_iter_s", "time_total_s",
    }  # fmt: skip
    assert (metrics["epoch"], metrics["done"], metrics["collapse"]) == (2, True, "")
    assert metrics["training_iteration"] == 2


def test_a_collapsed_trial_is_stopped_and_the_reason_is_known(home: Path) -> None:
    space = {**ALIVE, "lr": tune.grid_search([1e-3, 1e38])}
    scheduler = GoldilocksScheduler("guarded_rank", "max", factor=None, zone=None)
    results = fit(home, trainable(epochs=2, **TINY), space, scheduler=scheduler)
    alive, dead = (result.metrics for result in results)
    assert (alive["epoch"], alive["collapse"]) == (2, "")
    assert (dead["collapse"], dead["done"]) == ("not finite", True)


def test_the_scheduler_stops_whom_it_says(home: Path) -> None:
    """The first is compared with nobody, the others with those before."""
    scheduler = GoldilocksScheduler(zone=None, factor=2, min_peers=1, last_epoch=3)
    lrs = [1e-3, 1e-8, 2e-8]
    results = fit(
        home,
        trainable(epochs=3, every_n_epochs=1, objective="ssl_loss", **TINY),
        {**ALIVE, "lr": tune.grid_search(lrs)},
        metric="ssl_loss",
        mode="min",
        scheduler=scheduler,
    )
    ended = {r.metrics["trial_id"]: r.metrics["epoch"] for r in results}
    assert [r.metrics["config"]["lr"] for r in results] == lrs
    assert next(iter(ended.values())) == 3
    assert {name for name, epoch in ended.items() if epoch < 3} == set(scheduler.reasons())
    assert scheduler.reasons()
    assert all(reason.startswith("place ") for reason in scheduler.reasons().values())


def population(**mutations: list[float]) -> PopulationBasedTraining:
    """After each epoch the worse of two trials goes on from the better one, changed."""
    return PopulationBasedTraining(
        time_attr="epoch",
        perturbation_interval=1,
        hyperparam_mutations=mutations,
        quantile_fraction=0.5,
        resample_probability=1.0,
        synch=True,
    )


def test_population_based_training_changes_the_rate_in_the_middle(home: Path) -> None:
    pbt = population(lr=[5e-3])
    results = fit(
        home,
        trainable(epochs=3, every_n_epochs=1, **TINY),
        {**ALIVE, "lr": tune.grid_search([1e-3, 2e-3])},
        at_once=2,
        metric="guarded_rank",
        mode="max",
        scheduler=pbt,
    )
    assert not results.errors
    assert [r.metrics["epoch"] for r in results] == [3, 3]
    assert pbt._num_perturbations > 0
    assert 5e-3 in [r.metrics["config"]["lr"] for r in results]


def test_median_stopping_and_a_searcher_of_rays_work(home: Path) -> None:
    results = fit(
        home,
        trainable(epochs=3, every_n_epochs=1, **TINY),
        SPACE,
        stop=CollapseStopper(),
        metric="guarded_rank",
        mode="max",
        num_samples=3,
        scheduler=MedianStoppingRule(time_attr="epoch", grace_period=1, min_samples_required=1),
        search_alg=OptunaSearch(seed=0),
    )
    assert not results.errors
    assert len(results) == 3
    for result in results:
        # What is fixed reaches the trial too, or it would be trained with a default.
        assert set(result.metrics["config"]) == set(SPACE)


def test_a_wrong_name_is_an_error_that_says_so(home: Path) -> None:
    results = fit(home, trainable(epochs=2, **TINY), {"learning_rate": 0.1})
    assert "'learning_rate' is no hyperparameter of simclr" in str(results.errors[0])


def test_only_the_options_travel() -> None:
    """The images would make 200 kB here, and 200 MB elsewhere."""
    assert len(ray.cloudpickle.dumps(trainable(epochs=2, **TINY))) < 20_000


def test_our_searcher_records_what_asha_stopped(home: Path) -> None:
    search = LabelFreeSearcher(search_spaces.get("simclr"), "guarded_rank", last_epoch=6, seed=1)
    asha = ASHAScheduler(
        time_attr="epoch", metric="guarded_rank", mode="max", max_t=6, grace_period=1
    )
    made = trainable("digits", "simclr", epochs=6, **TINY)
    fit(home, made, None, search_alg=search, scheduler=asha, num_samples=5, at_once=1)
    trials = search.study.trials
    assert len(trials) == 5
    assert {trial.state for trial in trials} == {TrialState.COMPLETE, TrialState.PRUNED}
    for trial in trials:
        complete = trial.state == TrialState.COMPLETE
        assert (max(trial.intermediate_values) == 6) == complete
