"""The trainable by itself, in this process: what it trains, keeps and says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray.tune import Trainable

import search_spaces
from hpo.errors import ConfigError
from hpo.history import Reading
from hpo.pruners import read_history
from hpo.ray_tune import trainable
from hpo.ray_tune.changing import with_optimizer_of
from hpo.ray_tune.user_trainable import LabelFreeTrainable
from hpo.study import run_study
from tests.hpo.studies import TINY, tiny

OPTIONS = {n: v for n, v in TINY.items() if n not in ("trials", "workers", "least_moved")}
OPTIONS |= {"max_images": 500, "lidar_views": 2}
GIVEN = {"lr": 1e-3, "weight_decay": 0.01, "temperature": 0.2}


@pytest.fixture(scope="module", autouse=True)
def _own_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Outside of an experiment a Trainable makes a folder for its log in the home directory."""
    with pytest.MonkeyPatch.context() as patch:
        folder = str(tmp_path_factory.mktemp("results"))
        patch.setattr("ray.tune.trainable.trainable.DEFAULT_STORAGE_PATH", folder)
        yield


def begin(config: dict[str, Any] | None = None, **options: Any) -> LabelFreeTrainable:
    made: type[Trainable] = trainable(**{**OPTIONS, **options})
    begun = made(config={**GIVEN} if config is None else config)
    assert isinstance(begun, LabelFreeTrainable)
    return begun


def to_the_end(run: Trainable) -> list[dict[str, Any]]:
    results = [run.train()]
    while not results[-1]["done"]:
        results.append(run.train())
    return results


def measured(results: list[dict[str, Any]], *names: str) -> list[list[Any]]:
    return [[result[name] for name in names] for result in results]


def test_it_measures_what_a_study_measures_at_the_same_rungs(tmp_path: Path) -> None:
    study = run_study(
        tiny(
            tmp_path / "study",
            **{**OPTIONS, "trials": 1, "prune": False, "filter": False, "replicates": 0},
            fix=GIVEN,
        )
    )
    readings = read_history(study).of(0)
    results = to_the_end(begin())
    assert [r["epoch"] for r in results] == [r.epoch for r in readings] == [1, 2, 6]
    for result, reading in zip(results, readings, strict=True):
        assert {**values(reading), **{n: result[n] for n in values(reading)}} == values(reading)
        assert result["objective"] == reading.objective


def values(reading: Reading) -> dict[str, float]:
    return {name: value for name, value in reading.values.items() if name != "seconds"}


def test_a_step_may_be_some_epochs_and_the_last_is_the_end() -> None:
    results = to_the_end(begin(epochs=5, every_n_epochs=2))
    assert measured(results, "epoch", "done") == [[2, False], [4, False], [5, True]]


def test_a_trial_goes_on_from_its_checkpoint_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, first = begin(), begin()
    expected = to_the_end(whole)
    first.train()
    first.save_checkpoint(str(tmp_path))
    second = begin()
    second.load_checkpoint(str(tmp_path))
    assert measured(to_the_end(second), "epoch", "ssl_loss", "guarded_rank") == measured(
        expected[1:], "epoch", "ssl_loss", "guarded_rank"
    )


def test_a_checkpoint_of_the_end_says_again_what_was_measured(tmp_path: Path) -> None:
    run = begin(epochs=1)
    (last,) = to_the_end(run)
    run.save_checkpoint(str(tmp_path))
    again = begin(epochs=1)
    again.load_checkpoint(str(tmp_path))
    (said,) = to_the_end(again)
    assert measured([said], "epoch", "guarded_rank", "done", "seconds") == measured(
        [last], "epoch", "guarded_rank", "done", "seconds"
    )


def test_the_next_trial_of_an_actor_begins_afresh_on_the_same_images() -> None:
    run = begin(epochs=1)
    first = run.train()
    images = run._workload
    assert run.reset_config({**GIVEN, "lr": 5e-3})
    other = run.train()
    assert run.reset_config(GIVEN)
    assert measured([run.train()], "epoch", "ssl_loss") == measured([first], "epoch", "ssl_loss")
    assert other["ssl_loss"] != first["ssl_loss"]
    assert run._workload is images


def test_the_rate_may_change_in_the_middle_and_counts_from_the_first_step(tmp_path: Path) -> None:
    run = begin(epochs=3, every_n_epochs=1)
    run.train()
    run.save_checkpoint(str(tmp_path))
    changed = {**GIVEN, "lr": 4e-3, "weight_decay": 0.5}
    run.reset_config(changed)
    run.load_checkpoint(str(tmp_path))
    training = run._run.training
    fresh = begin(changed, epochs=3, every_n_epochs=1)._run.training
    for _ in range(training.steps_per_epoch):
        fresh.optimizer.step()
        fresh.scheduler.step()
    for name in ("lr", "initial_lr", "weight_decay"):
        kept = [group[name] for group in training.optimizer.param_groups]
        assert kept == pytest.approx([group[name] for group in fresh.optimizer.param_groups])
    assert run.train()["epoch"] == 2


def test_a_changed_rate_keeps_weights_and_momenta() -> None:
    run = begin(epochs=3, every_n_epochs=1)
    run.train()
    state = run._run.training.state_dict()
    run.reset_config({**GIVEN, "lr": 4e-3})
    before = rate(state)
    changed = with_optimizer_of(run._run.training, state)
    assert changed["optimizer"]["state"] is state["optimizer"]["state"]
    assert changed["learner"] is state["learner"]
    assert rate(changed) == pytest.approx(4 * before)
    assert rate(state) == before


def rate(state: dict[str, Any]) -> float:
    return float(state["optimizer"]["param_groups"][0]["lr"])


def test_no_other_hyperparameter_may_change_in_the_middle(tmp_path: Path) -> None:
    run = begin(epochs=2)
    run.train()
    run.save_checkpoint(str(tmp_path))
    run.reset_config({**GIVEN, "temperature": 0.3})
    with pytest.raises(ConfigError, match=r"^temperature: got 0.3 .* begun with 0.2; only lr"):
        run.load_checkpoint(str(tmp_path))


def test_a_training_that_breaks_ends_with_nothing_measured() -> None:
    (result,) = to_the_end(begin({**GIVEN, "lr": 1e38}))
    assert result["collapse"] == "not finite"
    assert result["collapse_reason"].startswith("not finite: the loss is not finite in epoch")
    assert (result["epoch"], result["done"]) == (1, True)
    assert np.isnan([result["guarded_rank"], result["objective"], result["moved"]]).all()


def test_the_objective_is_what_an_optimiser_sees() -> None:
    (result,) = to_the_end(begin(epochs=1, objective="alpha_req"))
    assert result["objective"] == pytest.approx(abs(result["alpha_req"] - 1))


def test_what_is_not_sampled_has_the_default_of_the_space() -> None:
    run = begin({}, epochs=1, fix={"temperature": 0.33})
    assert run._hyperparameters["temperature"] == 0.33
    assert run._hyperparameters["lr"] == search_spaces.get("simclr").defaults["lr"]


@pytest.mark.parametrize("every", [0, 7])
def test_a_step_is_one_epoch_at_least_and_all_at_most(every: int) -> None:
    with pytest.raises(ConfigError, match=f"^every_n_epochs: got {every}; wanted 1 to 6"):
        trainable(epochs=6, every_n_epochs=every)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"device": "cpu"}, {"CPU": 1}),
        ({"device": "cpu", "threads": 3}, {"CPU": 3}),
        ({"device": "cpu", "devices": 2}, {"CPU": 2}),
        ({"device": "cuda", "devices": 2}, {"CPU": 2, "GPU": 2}),
        ({"device": "auto"}, {"CPU": 1}),
    ],
)
def test_it_asks_for_a_core_and_a_gpu_a_device(
    options: dict[str, Any], asked: dict[str, float]
) -> None:
    made = trainable(**options)
    assert made.default_resource_request({}).bundles == [asked]
