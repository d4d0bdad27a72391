"""The optimiser of a plan: its rate at every step, and what it decays."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from hpo.optimization import OptimizerPlan, build_optimizer


def rates(n_steps: int, **plan: Any) -> list[float]:
    """The rate that each of a training's steps is made with."""
    optimizer, scheduler = build_optimizer(
        OptimizerPlan(lr=1.0, **plan), [nn.Linear(2, 2)], batch_size=256, n_steps=n_steps
    )
    found = []
    for _ in range(n_steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_without_a_warm_up_the_first_rate_is_the_peak() -> None:
    found = rates(11, warmup_share=0.0)
    assert found == pytest.approx([(1 + math.cos(math.pi * k / 10)) / 2 for k in range(11)])


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_the_warm_up_is_a_share_of_all_steps(share: float) -> None:
    found = rates(20, warmup_share=share)
    peak = round(20 * share)
    assert found[:peak] == pytest.approx([(k + 1) / peak for k in range(peak)])
    assert found[peak] == pytest.approx(1.0)
    assert all(a > b for a, b in zip(found[peak:-1], found[peak + 1 :], strict=True))
    assert found[-1] == 0


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_the_shortest_trainings_have_rates(n_steps: int) -> None:
    found = rates(n_steps)
    assert len(found) == n_steps
    assert all(0 <= rate <= 1 for rate in found)
    assert max(found) > 0


@pytest.mark.parametrize("batch_size", [64, 256, 1024])
def test_the_rate_is_per_256_images(batch_size: int) -> None:
    optimizer, _ = build_optimizer(
        OptimizerPlan(lr=0.3, warmup_share=0.0), [nn.Linear(2, 2)], batch_size=batch_size, n_steps=9
    )
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.3 * batch_size / 256)


def test_frozen_parameters_are_left_alone() -> None:
    frozen, free = nn.Linear(2, 2).requires_grad_(False), nn.Linear(3, 3)
    optimizer, _ = build_optimizer(
        OptimizerPlan(), [nn.Sequential(frozen, free)], batch_size=8, n_steps=2
    )
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in free.parameters()}


@pytest.mark.parametrize("name", ["adamw", "lars", "sgd"])
def test_every_optimiser_moves_the_weights(name: Any) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)
    before = layer.weight.detach().clone()
    optimizer, _ = build_optimizer(
        OptimizerPlan(name=name, lr=0.5), [layer], batch_size=256, n_steps=10
    )
    layer(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    assert not torch.equal(layer.weight, before)
    assert type(optimizer).__name__.lower() == name
