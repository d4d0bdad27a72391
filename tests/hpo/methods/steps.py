"""What the tests of the methods share: a small learner, two views, and one step compared."""

import torch
from torch import Tensor, nn
from torch.testing import assert_close

from hpo.backbones import backbone_spec, build_backbone
from hpo.methods import Learner, build_method
from hpo.views import ViewRecipe, random_views

DIM = 128


def small_learner(name: str, seed: int = 0, **hyperparameters: float) -> Learner:
    torch.manual_seed(seed)
    backbone = build_backbone(backbone_spec("resnet10_narrow", image_size=8, in_channels=1))
    return Learner(backbone, build_method(name, DIM, **hyperparameters))


def two_views(images: Tensor) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [random_views(images[:24], ViewRecipe(hf_prob=0.0), generator) for _ in range(2)]


def assert_same_step(learner: Learner, loss: Tensor, backbone: nn.Module, written: Tensor) -> None:
    """A step of the learner equals one written out: its loss, its gradient, its BatchNorm."""
    loss.backward()
    written.backward()
    assert_close(loss, written, rtol=1e-5, atol=0)
    pairs = zip(learner.backbone.named_parameters(), backbone.parameters(), strict=True)
    for (name, mine), theirs in pairs:
        assert mine.grad is not None, name
        assert theirs.grad is not None, name
        assert theirs.grad.abs().max() > 0, name
        assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-6 * float(theirs.grad.abs().max()))
    for mine, theirs in zip(learner.backbone.buffers(), backbone.buffers(), strict=True):
        assert torch.equal(mine, theirs)
