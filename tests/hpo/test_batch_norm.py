"""Running averages that owe nothing to their start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from hpo.batch_norm import RunningAverages
from hpo.optimization import OptimizerPlan
from hpo.training import Training
from hpo.trial_training import TrialTraining, untrained_of
from hpo.workload import Workload, prepare
from tests.hpo.studies import tiny

STILL = 1e-12
"""A learning rate at which nothing is learned."""


def workload(method: str) -> Workload:
    return prepare(tiny(Path("never-written"), method=method, max_images=400, measure_images=64))


def begun(of: Workload, lr: float | None = None) -> Training:
    chosen = {**of.space.defaults, **of.space.fixed}
    return of.begin(of.plan(chosen if lr is None else {**chosen, "lr": lr}))


@pytest.mark.parametrize("momentum", [0.1, 0.3, 0.01])
def test_they_average_what_was_seen_and_nothing_else(momentum: float) -> None:
    norm = nn.BatchNorm1d(3, momentum=momentum)
    averages = RunningAverages(norm)
    batches = [torch.randn(8, 3) * 5 + 100 for _ in range(200)]
    expected = torch.zeros(3)
    for step, batch in enumerate(batches):
        averages.before_step(step)
        norm(batch)
        share = max(momentum, 1 / (step + 1))
        expected = (1 - share) * expected + share * batch.mean(dim=0)
        assert norm.running_mean is not None
        # One step is enough: from (0, 1), torch's own averages take 66 to come within 0.1.
        torch.testing.assert_close(norm.running_mean, expected, rtol=1e-5, atol=0)
    assert norm.momentum == momentum


def test_layers_that_average_over_everything_or_nothing_are_let_alone() -> None:
    norms = nn.ModuleList([nn.BatchNorm1d(3, momentum=None), nn.BatchNorm1d(3, momentum=0.0)])
    averages = RunningAverages(norms)
    for step in range(3):
        averages.before_step(step)
    assert [norm.momentum for norm in norms] == [None, 0.0]
    RunningAverages(nn.Linear(2, 2)).before_step(0)


@pytest.mark.parametrize("method", ["simclr", "byol", "vicreg"])
def test_a_network_that_learns_nothing_has_not_moved_after_two_epochs(method: str) -> None:
    of = workload(method)
    training = begun(of, STILL)
    initial = of.gauge.initial(begun(of).learner, of.train)
    run = TrialTraining(training, of.gauge, untrained_of(of, initial, training.plan))
    run.reach(2)
    assert 2 * training.steps_per_epoch < 15
    assert run.measure()["values"]["moved"] < 0.02


def test_the_weights_are_those_of_a_training_without(monkeypatch: pytest.MonkeyPatch) -> None:
    of = workload("byol")
    own = begun(of)
    own.run_epoch()
    monkeypatch.setattr(RunningAverages, "before_step", lambda self, step: None)
    plain = begun(of)
    plain.run_epoch()
    for name, weight in plain.learner.named_parameters():
        assert torch.equal(weight, own.learner.get_parameter(name)), name
    averages = [n for n, _ in own.learner.named_buffers() if n.endswith("running_var")]
    assert not any(
        torch.equal(own.learner.get_buffer(n), plain.learner.get_buffer(n)) for n in averages
    )


def test_a_resumed_training_has_the_averages_of_one_that_never_stopped() -> None:
    of = workload("simclr")
    plan = replace(begun(of).plan, batch_size=128, optimizer=OptimizerPlan(lr=1e-3))
    whole, first, second = (of.begin(plan) for _ in range(3))
    assert whole.steps_per_epoch < 5  # stopped where the momenta are not yet their own
    whole.run_epoch()
    whole.run_epoch()
    first.run_epoch()
    second.load_state_dict(first.state_dict())
    second.run_epoch()
    for name, buffer in whole.learner.named_buffers():
        if "running" in name:
            assert torch.equal(buffer, second.learner.get_buffer(name)), name
