"""Losses are computed in single precision, whatever the networks run in."""

import pytest
import torch
from torch import Tensor, nn

from hpo.methods.criteria import Pair
from hpo.methods.precision import InFloat32
from tests.hpo.methods.steps import small_learner, views_for

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
    "tico": {},
    "vicreg": {},
    "visreg": {"n_global": 2, "n_local": 0},
    "wmse": {"embedding_dim": 8, "whitening_size": 32},
}


class Product(nn.Module):
    """What mixed precision would round: the product of two matrices."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a.T @ b


def test_neither_the_outputs_nor_what_is_computed_of_them_is_rounded() -> None:
    torch.manual_seed(0)
    a, b = (torch.randn(64, 4, dtype=torch.bfloat16) for _ in range(2))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = Pair(Product())([a, b], [])
        got = InFloat32(Pair(Product()))([a, b], [])
    assert rounded.dtype is torch.bfloat16
    assert got.dtype is torch.float32
    assert torch.equal(got, a.float().T @ b.float())


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
