"""Where the targets come from, and how a criterion reads them."""

import pytest
import torch
from torch import Tensor, nn

from hpo.methods import Criterion, Cross, Learner, Method, Pair
from tests.hpo.methods.steps import small_learner, views_for


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


# Mixed precision

# Narrow, so that the few images are enough to whiten and the losses are cheap.
SMALL: dict[str, dict[str, int]] = {
    "barlow_twins": {},
    "byol": {},
    "dino": {"n_local": 0, "prototypes": 64},
    "fastsiam": {},
    "frossl": {},
    "lejepa": {"n_local": 0},
    "mmcr": {"n_views": 2},
    "simsiam": {},
    "swav": {"n_local": 0, "prototypes": 64},
    "tico": {},
    "vicreg": {},
    "visreg": {"n_global": 2, "n_local": 0},
    "wmse": {"embedding_dim": 8, "whitening_size": 32},
}


class Product(nn.Module):
    """What mixed precision would round: the product of two matrices."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a.T @ b).sum()


def test_neither_the_outputs_nor_what_is_computed_of_them_is_rounded() -> None:
    torch.manual_seed(0)
    net = nn.Linear(4, 4).bfloat16()
    views = [torch.randn(64, 4, dtype=torch.bfloat16) for _ in range(2)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = Learner(net, Method(nn.Identity(), Pair(Product())))(views)
        a, b = net(views[0]), net(views[1])
        rounded = (a.T @ b).sum()
    assert got.dtype is torch.float32
    assert got.item() == (a.float().T @ b.float()).sum().item()
    assert rounded.item() != got.item()


@pytest.mark.parametrize("name", SMALL)
def test_every_loss_runs_under_mixed_precision(name: str, digits: Tensor) -> None:
    learner = small_learner(name, **SMALL[name])
    views = views_for(learner, digits, n_images=32)
    torch.manual_seed(1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = learner(views)
    loss.backward()
    assert loss.dtype is torch.float32
    gradients = [p.grad for p in learner.backbone.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    exact = small_learner(name, **SMALL[name])
    torch.manual_seed(1)
    torch.testing.assert_close(loss, exact(views), rtol=0.05, atol=0.05)
