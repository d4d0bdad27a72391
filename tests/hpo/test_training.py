"""Training follows its plan, and goes on from a checkpoint as if nothing had happened."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hpo.backbones import backbone_spec
from hpo.checkpoint import load_checkpoint, save_checkpoint
from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.methods import METHODS
from hpo.training import Diverged, Training, TrainingPlan, initial_backbone
from hpo.views import ViewRecipe

PLAN = TrainingPlan(
    backbone=backbone_spec("resnet10_narrow", image_size=8, in_channels=1),
    method="simclr",
    method_parameters={},
    optimizer="adamw",
    lr=0.02,
    weight_decay=0.01,
    n_epochs=4,
    batch_size=16,
    recipe=ViewRecipe(hf_prob=0.0),
    seed=3,
)


@pytest.fixture(scope="module")
def images(digits: Tensor) -> Tensor:
    return digits[:54]  # three batches and six images left over


def training(images: Tensor, **changed: Any) -> Training:
    plan = replace(PLAN, **changed)
    return Training(plan, images, Normalisation.of(images), torch.device("cpu"))


def run(made: Training, n_epochs: int) -> list[float]:
    return [made.run_epoch() for _ in range(n_epochs)]


def leaves(state: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every tensor and number of a nested state, with where it lies."""
    if isinstance(state, dict | list | tuple):
        entries = state.items() if isinstance(state, dict) else enumerate(state)
        for key, entry in entries:
            yield from leaves(entry, f"{path}/{key}")
    else:
        yield path, state


def assert_same_state(one: Training, other: Training) -> None:
    pairs = itertools.zip_longest(leaves(one.state_dict()), leaves(other.state_dict()))
    for (path, mine), (other_path, theirs) in pairs:
        assert path == other_path
        same = torch.equal(mine, theirs) if isinstance(mine, Tensor) else mine == theirs
        assert same, path


@pytest.mark.parametrize(
    ("method", "optimizer"),
    [(method, "adamw") for method in METHODS] + [("simclr", "lars"), ("byol", "sgd")],
)
def test_resuming_is_exact(method: str, optimizer: str, images: Tensor, tmp_path: Path) -> None:
    lr = 0.02 if optimizer == "adamw" else 0.5
    wanted = {"method": method, "optimizer": optimizer, "lr": lr}
    straight = training(images, **wanted)
    losses = run(straight, 4)

    interrupted = training(images, **wanted)
    first = run(interrupted, 2)
    save_checkpoint(tmp_path / "trial.pt", interrupted.state_dict())
    torch.manual_seed(99)  # another process has another global state
    resumed = training(images, **wanted)
    resumed.load_state_dict(load_checkpoint(tmp_path / "trial.pt"))
    assert_same_state(resumed, interrupted)
    assert first + run(resumed, 2) == losses
    assert_same_state(resumed, straight)
    assert resumed.epoch == 4


def test_the_same_plan_gives_the_same_training(images: Tensor) -> None:
    one = training(images)
    run(one, 2)
    torch.rand(5)
    other = training(images)
    run(other, 2)
    assert_same_state(one, other)


@pytest.mark.parametrize("changed", [{"seed": 4}, {"lr": 0.01}, {"method": "vicreg"}])
def test_another_plan_gives_another_training(images: Tensor, changed: dict[str, Any]) -> None:
    one, other = training(images), training(images, **changed)
    run(one, 1)
    run(other, 1)
    weights = [made.learner.backbone.state_dict()["conv1.weight"] for made in (one, other)]
    assert not torch.equal(*weights)


def test_all_trials_start_from_the_same_backbone(images: Tensor) -> None:
    start = initial_backbone(PLAN.backbone, PLAN.seed).state_dict()
    for method in METHODS:
        backbone = training(images, method=method, lr=0.7).learner.backbone.state_dict()
        assert all(torch.equal(backbone[name], start[name]) for name in start)


def test_training_learns_something(digits: Tensor) -> None:
    mild = ViewRecipe(hf_prob=0.0, min_scale=0.5, cj_prob=0.0)
    losses = run(training(digits, recipe=mild, n_epochs=6), 6)
    assert losses[-1] < 0.75 * losses[0]


def rates(made: Training) -> list[float]:
    """The learning rate of every step of the training."""
    found: list[float] = []

    def note() -> None:
        # After a step the optimiser holds the rate of the next one.
        found.append(made.optimizer.param_groups[0]["lr"])

    found.append(made.optimizer.param_groups[0]["lr"])
    for _ in range(made.plan.n_epochs):
        made.run_epoch(note)
    return found[:-1]


def expected_rates(peak: float, n_steps: int) -> list[float]:
    warm = max(1, n_steps // 10)
    rising = [peak * (step + 1) / warm for step in range(warm)]
    n_falling = n_steps - warm
    falling = [peak * (1 + math.cos(math.pi * k / (n_falling - 1))) / 2 for k in range(n_falling)]
    return rising + falling


@pytest.mark.parametrize(("batch_size", "n_epochs"), [(16, 10), (8, 4), (27, 1)])
def test_the_rate_warms_up_over_a_tenth_and_falls_on_a_cosine(
    images: Tensor, batch_size: int, n_epochs: int
) -> None:
    made = training(images, batch_size=batch_size, n_epochs=n_epochs, lr=0.01)
    n_steps = len(images) // batch_size * n_epochs
    found = rates(made)
    assert len(found) == n_steps
    if n_steps > 2:
        expected = expected_rates(0.01 * batch_size / 256, n_steps)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-15)
        assert max(found) == pytest.approx(0.01 * batch_size / 256)
    assert found[-1] == 0


@pytest.mark.parametrize("n_epochs", [2, 4])
def test_the_first_rate_after_resuming_is_the_next_of_the_schedule(
    images: Tensor, n_epochs: int
) -> None:
    whole = rates(training(images))
    stopped = training(images)
    run(stopped, n_epochs)
    resumed = training(images)
    resumed.load_state_dict(stopped.state_dict())
    following = [*whole, 0.0][3 * n_epochs]
    for group in resumed.optimizer.param_groups:
        assert group["lr"] == pytest.approx(following, rel=1e-12)
    assert resumed.scheduler.last_epoch == 3 * n_epochs


@pytest.mark.parametrize("optimizer", ["adamw", "lars", "sgd"])
def test_only_weights_are_decayed(images: Tensor, optimizer: str) -> None:
    made = training(images, method="byol", optimizer=optimizer, weight_decay=0.3)
    decay = {
        id(parameter): group["weight_decay"]
        for group in made.optimizer.param_groups
        for parameter in group["params"]
    }
    learner = made.learner
    trained = [*learner.backbone.modules(), *learner.projector.modules()]
    for module in [*trained, *learner.predictor.modules()]:
        for name, parameter in module.named_parameters(recurse=False):
            is_weight = isinstance(module, nn.Conv2d | nn.Linear) and name == "weight"
            assert decay.pop(id(parameter)) == (0.3 if is_weight else 0.0)
    assert not decay  # the teacher is not trained


def test_the_teacher_follows_the_whole_schedule(images: Tensor) -> None:
    """Its momentum reaches 1 at the last step, so that step leaves it where it was."""
    made = training(images, method="byol", method_parameters={"one_minus_momentum": 0.5})
    assert made.learner.teacher is not None
    weight = made.learner.teacher[0].conv1.weight
    moves: list[float] = []
    before = weight.clone()

    def note() -> None:
        moves.append((weight - before).abs().max().item())
        before.copy_(weight)

    for _ in range(4):
        made.run_epoch(note)
    assert moves[-1] == 0
    assert all(move > 0 for move in moves[1:-1])  # at step 0 it equals its student


@pytest.mark.parametrize("method", ["barlow_twins", "vicreg"])
def test_a_hopeless_rate_diverges(images: Tensor, method: str) -> None:
    made = training(images, method=method, optimizer="sgd", lr=1e12, n_epochs=30)
    with pytest.raises(Diverged, match=r"not finite in epoch \d+") as found:
        run(made, 30)
    assert found.value.epoch == made.epoch + 1


class Stop(Exception):
    pass


def test_a_stop_within_an_epoch_leaves_the_state_from_before_usable(
    images: Tensor, tmp_path: Path
) -> None:
    straight = training(images)
    losses = run(straight, 2)
    made = training(images)
    run(made, 1)
    save_checkpoint(tmp_path / "trial.pt", made.state_dict())
    steps = itertools.count(1)

    def stop() -> None:
        if next(steps) == 2:
            raise Stop

    with pytest.raises(Stop):
        made.run_epoch(stop)
    assert made.epoch == 1
    made.load_state_dict(load_checkpoint(tmp_path / "trial.pt"))
    assert made.run_epoch() == losses[1]
    assert_same_state(made, straight)


def test_fewer_images_than_a_batch_are_refused(images: Tensor) -> None:
    with pytest.raises(ConfigError, match="batch_size: got 55, wanted at most 54"):
        training(images, batch_size=55)
