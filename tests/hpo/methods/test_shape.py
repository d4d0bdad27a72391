"""Where the targets come from, and how a criterion reads them."""

import torch
from torch import Tensor, nn

from hpo.methods import Criterion, Cross, Learner, Method, Pair


class Difference(nn.Module):
    """Not symmetric, so that a swapped pair shows."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (2 * a - b).mean()


class Targets(Criterion):
    """The mean of the targets, so that the gradient shows where they come from."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        return torch.stack(target).mean() + 0.0 * torch.stack(online).mean()


def vectors(*values: float) -> list[Tensor]:
    return [torch.full((3, 2), float(value)) for value in values]


def test_pair_reads_the_two_online_outputs() -> None:
    assert Pair(Difference())(vectors(1, 3), vectors(50, 70)).item() == 2 * 1 - 3


def test_cross_is_the_mean_over_the_other_views_targets() -> None:
    loss = Cross(Difference())(vectors(1, 3, 5), vectors(10, 20))
    expected = ((2 - 20) + (6 - 10) + (10 - 10) + (10 - 20)) / 4
    assert loss.item() == expected


def test_targets_take_a_gradient_only_when_they_are_the_outputs_themselves() -> None:
    for target, takes in (("self", True), ("stop-grad", False), ("ema", False)):
        backbone = nn.Linear(4, 2)
        learner = Learner(backbone, Method(nn.Linear(2, 2), Targets(Difference()), target=target))
        learner([torch.ones(3, 4), torch.ones(3, 4)]).backward()
        assert backbone.weight.grad is not None
        assert bool(backbone.weight.grad.abs().max() > 0) is takes, target


def test_the_networks_see_one_view_at_a_time() -> None:
    """BatchNorm over both views at once would have other statistics."""
    backbone = nn.BatchNorm1d(2, affine=False)
    learner = Learner(backbone, Method(nn.Identity(), Pair(Difference())))
    views = [torch.randn(8, 2), 5 + torch.randn(8, 2)]
    assert abs(learner(views).item()) < 1e-6
    assert backbone.num_batches_tracked == 2
