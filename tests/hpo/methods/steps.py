"""What the tests of the methods share: a small learner, some views, and one step compared."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.testing import assert_close

from hpo.backbones import backbone_spec, build_backbone
from hpo.methods import Learner, build_method
from hpo.views import ViewRecipe, random_views

DIM = 128


def small_learner(name: str, seed: int = 0, **hyperparameters: Any) -> Learner:
    torch.manual_seed(seed)
    backbone = build_backbone(backbone_spec("resnet10_narrow", image_size=8, in_channels=1))
    return Learner(backbone, build_method(name, DIM, **hyperparameters))


def moved_student(name: str, **hyperparameters: Any) -> Learner:
    """A learner whose student has gone elsewhere, so that a teacher is not just its copy."""
    learner = small_learner(name, **hyperparameters)
    with torch.no_grad():
        for parameter in nn.Sequential(learner.backbone, learner.projector).parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return learner


def some_views(images: Tensor, n_views: int, *, n_images: int = 24) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    recipe = ViewRecipe(hf_prob=0.0)
    return [random_views(images[:n_images], recipe, generator) for _ in range(n_views)]


def two_views(images: Tensor) -> list[Tensor]:
    return some_views(images, 2)


def views_for(learner: Learner, images: Tensor, *, n_images: int = 24) -> list[Tensor]:
    """As many views as the learner wants."""
    return some_views(images, learner.n_global + learner.n_local, n_images=n_images)


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
