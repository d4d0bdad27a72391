"""Training follows its plan, and goes on from a checkpoint as if nothing had happened."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import fields, replace
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
from hpo.optimization import OptimizerPlan
from hpo.training import Diverged, Training, TrainingPlan, initial_backbone
from hpo.views import ViewPlan

PLAN = TrainingPlan(
    backbone=backbone_spec("resnet10_narrow", image_size=8, in_channels=1),
    method="simclr",
    optimizer=OptimizerPlan(name="adamw", lr=0.02, weight_decay=0.01),
    n_epochs=4,
    batch_size=16,
    views=ViewPlan.for_size(8).changed({"hf_prob": 0.0}),
    seed=3,
)


@pytest.fixture(scope="module")
def images(digits: Tensor) -> Tensor:
    return digits[:54]  # three batches and six images left over


def training(images: Tensor, **changed: Any) -> Training:
    """A training of the plan above with some of its own fields or its optimiser's changed."""
    own = {field.name for field in fields(TrainingPlan)}
    optimizing = replace(PLAN.optimizer, **{k: v for k, v in changed.items() if k not in own})
    given = {k: v for k, v in changed.items() if k in own}
    plan = replace(PLAN, optimizer=optimizing, **given)
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
    ("method", "name"),
    [("simclr", "adamw"), ("simclr", "lars"), ("byol", "sgd")],
)
def test_resuming_is_exact(method: str, name: str, images: Tensor, tmp_path: Path) -> None:
    wanted = {"method": method, "name": name, "lr": 0.02 if name == "adamw" else 0.5}
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
    small = {"wmse": {"embedding_dim": 8, "whitening_size": 16}}
    for method in METHODS:
        own = small.get(method, {})
        made = training(images, method=method, lr=0.7, method_parameters=own)
        backbone = made.learner.backbone.state_dict()
        assert all(torch.equal(backbone[name], start[name]) for name in start)


def test_training_learns_something(digits: Tensor) -> None:
    mild = PLAN.views.changed({"min_scale": 0.5, "cj_prob": 0.0})
    losses = run(training(digits, views=mild, n_epochs=6), 6)
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


@pytest.mark.parametrize("name", ["adamw", "lars", "sgd"])
def test_only_weights_are_decayed(images: Tensor, name: str) -> None:
    made = training(images, method="byol", name=name, weight_decay=0.3)
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
    made = training(images, method=method, name="sgd", lr=1e12, n_epochs=30)
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


# What a plan may ask for besides


def norm_of_step(images: Tensor, **changed: Any) -> float:
    """How far the first step of plain SGD moves the weights."""
    made = training(images, name="sgd", lr=16.0, weight_decay=0.0, warmup_share=0.0, **changed)
    before = [p.detach().clone() for p in made.learner.parameters()]
    with pytest.raises(Stop):
        made.run_epoch(stop)
    pairs = zip(made.learner.parameters(), before, strict=True)
    moved = [(p.detach() - b).square().sum() for p, b in pairs]
    return float(torch.stack(moved).sum().sqrt())


def stop() -> None:
    raise Stop


def test_the_gradient_is_clipped(images: Tensor) -> None:
    free = norm_of_step(images)  # the rate is 16 / 256 * 16 = 1, so this is the gradient's norm
    assert norm_of_step(images, clip_norm=free / 3) == pytest.approx(free / 3, rel=1e-3)
    assert norm_of_step(images, clip_norm=free * 3) == pytest.approx(free, rel=1e-5)


MEAN_LEARNER = """
import torch
from torch import nn
from hpo.methods import learner

class Mean(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone, self.calls = backbone.eval(), []
        self.n_global, self.n_local = 1, 1
    def train(self, mode=True):
        return self  # BatchNorm of a part would differ from that of the whole
    def before_step(self, step, n_steps):
        self.calls.append(("before", step, n_steps))
    def after_backward(self, step, n_steps):
        self.calls.append(("after", step, self.backbone.conv1.weight.grad is not None))
    def forward(self, views):
        self.calls.append([tuple(view.shape) for view in views])
        return sum(self.backbone(view).square().mean() for view in views)

@learner()
def mean(backbone):
    return Mean(backbone)

class Bare(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
    def forward(self, views):
        a, b = (self.backbone(view) for view in views)
        return (a - b).square().mean() + (a.std(0) - 1).square().mean()

@learner()
def bare(backbone):
    return Bare(backbone)

@learner()
def nothing(backbone):
    return nn.Linear(2, 2)
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("own") / "own.py"
    file.write_text(MEAN_LEARNER)
    return str(file)


def test_a_batch_in_parts_has_the_gradient_of_the_whole(images: Tensor, own: str) -> None:
    """For a loss that is a mean over images, and in no other way, which the plan says."""
    states = []
    for n_parts in (1, 4):
        made = training(images, method=f"{own}:mean", accumulate=n_parts, name="sgd")
        run(made, 1)
        states.append(made.learner.backbone.state_dict())
    for name, whole in states[0].items():
        torch.testing.assert_close(states[1][name], whole, rtol=1e-5, atol=1e-7)


def test_a_learner_says_what_views_it_wants_and_hooks_are_called(images: Tensor, own: str) -> None:
    made = training(images, method=f"{own}:mean", n_epochs=2)
    run(made, 1)
    made.epoch = 1
    run(made, 1)
    calls = made.learner.calls
    assert calls[:3] == [("before", 0, 6), [(16, 1, 8, 8), (16, 1, 8, 8)], ("after", 0, True)]
    assert [call[1] for call in calls if call[0] == "before"] == list(range(6))


def test_a_learner_without_anything_optional_trains_and_resumes(images: Tensor, own: str) -> None:
    straight = training(images, method=f"{own}:bare")
    losses = run(straight, 4)
    assert losses[-1] < losses[0]
    first = training(images, method=f"{own}:bare")
    run(first, 2)
    second = training(images, method=f"{own}:bare")
    second.load_state_dict(first.state_dict())
    assert run(second, 2) == losses[2:]


def test_a_learner_without_a_backbone_is_refused(images: Tensor, own: str) -> None:
    with pytest.raises(ConfigError, match="built a Linear; wanted a torch module with an attribu"):
        training(images, method=f"{own}:nothing")


@pytest.mark.parametrize(("batch_size", "n_parts"), [(16, 3), (10, 4)])
def test_parts_are_of_equal_size(images: Tensor, batch_size: int, n_parts: int) -> None:
    with pytest.raises(ConfigError, match=f"batch_size: got {batch_size} in {n_parts} part"):
        training(images, batch_size=batch_size, accumulate=n_parts)


def test_in_bfloat16_a_training_is_nearly_the_same_and_resumes_exactly(images: Tensor) -> None:
    exact = run(training(images, lr=1e-3), 4)
    straight = training(images, lr=1e-3, precision="bfloat16")
    losses = run(straight, 4)
    assert losses[0] == pytest.approx(exact[0], rel=0.01)  # later ones go their own way
    assert losses != exact
    first, second = (training(images, lr=1e-3, precision="bfloat16") for _ in range(2))
    run(first, 2)
    second.load_state_dict(first.state_dict())
    assert run(second, 2) == losses[2:]
    assert all(p.dtype is torch.float32 for p in second.learner.parameters())
