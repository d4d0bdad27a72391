"""A trial's training and measuring, without anybody who records it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from hpo.checkpoint import load_checkpoint, save_checkpoint
from hpo.measuring import Initial
from hpo.trial_training import TrialTraining, untrained_of
from hpo.workload import Workload, prepare
from objectives import distance_from_initialisation
from tests.hpo.studies import tiny


@cache
def _prepared() -> tuple[Workload, Initial]:
    workload = prepare(tiny(Path("never-written"), max_images=400, measure_images=64))
    plan = workload.plan({**workload.space.defaults, **workload.space.fixed})
    return workload, workload.gauge.initial(workload.begin(plan).learner, workload.train)


@pytest.fixture
def run() -> TrialTraining:
    return begun()


def begun() -> TrialTraining:
    workload, initial = _prepared()
    plan = workload.plan({**workload.space.defaults, **workload.space.fixed})
    return TrialTraining(workload.begin(plan), workload.gauge, initial)


def without_seconds(record: dict[str, Any]) -> dict[str, Any]:
    values = {k: v for k, v in record["values"].items() if k != "seconds"}
    return {**record, "values": values}


def test_it_trains_to_a_rung_and_says_what_each_step_took(run: TrialTraining) -> None:
    steps, epochs = list[tuple[int, float]](), list[int]()
    run.reach(2, lambda n, seconds: steps.append((n, seconds)), epochs.append)
    assert epochs == [1, 2]
    assert run.epoch == 2
    assert {n for n, _ in steps} == {64}
    assert run.n_images == 64 * len(steps) == 2 * run.training.images_per_epoch
    assert 0 < sum(seconds for _, seconds in steps) <= run.train_seconds


def test_it_stops_between_epochs_when_told_to_and_goes_on(run: TrialTraining) -> None:
    run.reach(3, on_epoch=lambda epoch: epoch == 1)
    assert run.epoch == 1
    run.reach(3)
    run.reach(3)
    assert run.epoch == 3


def test_a_measure_is_kept_with_the_loss_and_the_time(run: TrialTraining) -> None:
    run.reach(1)
    record = run.measure()
    assert run.rungs == {"1": record}
    assert record["values"]["ssl_loss"] == run.loss
    assert record["values"]["seconds"] == run.train_seconds + run.measure_seconds
    assert {"rankme", "alpha_req", "moved"} <= set(record["values"])


def test_a_restored_training_goes_on_exactly(run: TrialTraining, tmp_path: Path) -> None:
    run.reach(1)
    run.measure()
    save_checkpoint(tmp_path / "t.pt", run.state())
    again = begun()
    again.restore(load_checkpoint(tmp_path / "t.pt"))
    assert (again.epoch, again.rungs, again.n_images) == (1, run.rungs, run.n_images)
    assert again.train_seconds == run.train_seconds
    for each in (run, again):
        each.reach(2)
        each.measure()
    assert without_seconds(again.rungs["2"]) == without_seconds(run.rungs["2"])


def test_a_training_of_the_studys_seed_starts_from_the_studys_network() -> None:
    workload, initial = _prepared()
    chosen = {**workload.space.defaults, **workload.space.fixed, "lr": 0.7}
    assert untrained_of(workload, initial, workload.plan(chosen)) is initial
    assert untrained_of(workload, initial, workload.plan(chosen, workload.config.seed)) is initial


def test_a_projector_of_another_width_is_held_against_an_untrained_one_of_its_own_width() -> None:
    workload, initial = _prepared()
    chosen = {**workload.space.defaults, **workload.space.fixed, "projector_width": 16}
    own = untrained_of(workload, initial, workload.plan(chosen))
    assert own is not initial
    assert torch.equal(own.features, initial.features)  # the same backbone
    assert own.backbone == initial.backbone
    assert own.projector.rank <= 16 < initial.projector.rank


def test_a_training_of_another_seed_starts_from_a_network_of_its_own() -> None:
    workload, initial = _prepared()
    plan = workload.plan({**workload.space.defaults, **workload.space.fixed}, 5)
    own, again = (untrained_of(workload, initial, plan) for _ in range(2))
    assert torch.equal(own.features, again.features)
    weights = workload.begin(plan).learner.state_dict()["backbone.conv1.weight"]
    assert torch.equal(own.network.state_dict()["conv1.weight"], weights)
    assert distance_from_initialisation(own.features, initial.features) > 0.2
    # The statistics of BatchNorm are those of the images, as the study's are.
    assert not torch.equal(own.network.state_dict()["bn1.running_mean"], torch.zeros(16))
