"""I-JEPA is Lightly's example around a plain vision transformer, and learns digits."""

import copy
import re

import pytest
import torch
from lightly.models import utils
from lightly.models.modules.ijepa import IJEPABackbone
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor, nn
from torch.nn.functional import layer_norm
from torch.testing import assert_close

from hpo.backbones import backbone_spec, build_backbone
from hpo.errors import ConfigError
from hpo.methods import build_learner
from hpo.methods.masked import ijepa
from hpo.methods.masked.blocks import draw_blocks
from tests.hpo.methods.masked.vits import equal, large, training, vit


def test_loss_and_gradient_are_those_of_the_step_written_out(digits: Tensor) -> None:
    images = large(digits[:8]).float() / 255
    learner = ijepa(vit(), n_targets=3)
    with torch.no_grad():
        for parameter in learner.teacher.parameters():
            parameter += 0.01 * torch.randn_like(parameter)
    # As Lightly's example has it; its masks count the class token when they are made to.
    vit_encoder, vit_target = copy.deepcopy(learner.backbone), copy.deepcopy(learner.teacher)
    encoder, target_encoder = map(IJEPABackbone.from_vit, (vit_encoder, vit_target))
    predictor = copy.deepcopy(learner.predictor)
    torch.manual_seed(5)
    blocks = draw_blocks(8, 4, n_targets=3, target_scale=0.2, context_scale=0.9)
    masks_enc = [torch.cat([torch.zeros(8, 1).long(), blocks.context + 1], dim=1)]
    masks_pred = [blocks.targets[:, index] + 1 for index in range(3)]
    z = predictor(encoder(images, masks_enc), masks_enc, masks_pred)
    with torch.no_grad():
        h = target_encoder(images)
        h = layer_norm(h, (h.size(-1),))
        h = utils.apply_masks(h, masks_pred)
        h = utils.repeat_interleave_batch(h, 8, repeat=1)
    expected = nn.SmoothL1Loss()(z, h)
    expected.backward()

    torch.manual_seed(5)
    loss = learner([images])
    loss.backward()
    assert_close(loss, expected)
    mine = {n: p.grad for n, p in learner.backbone.named_parameters() if p.requires_grad}
    theirs = {n: p.grad for n, p in vit_encoder.named_parameters() if p.requires_grad}
    assert mine.keys() == theirs.keys()
    for name, gradient in mine.items():
        assert_close(gradient, theirs[name])


def test_every_weight_that_trains_gets_a_gradient(digits: Tensor) -> None:
    learner = ijepa(vit())
    learner([large(digits[:8]).float() / 255]).backward()
    still = [n for n, p in learner.named_parameters() if p.requires_grad and p.grad is None]
    assert still == []
    assert not any(p.requires_grad for p in learner.teacher.parameters())
    assert learner.backbone.class_token.grad.abs().sum() > 0  # type: ignore[union-attr]


def test_the_predictor_knows_what_it_predicts(digits: Tensor) -> None:
    """Not from the images alone: other places, other predictions."""
    learner = ijepa(vit())
    images = large(digits[:2]).float() / 255
    context = torch.arange(9).expand(2, -1)
    encoded = learner._encoders[0].encode(images, idx_keep=context)
    with torch.no_grad():
        there, elsewhere = (
            learner.predictor(encoded.clone(), context, [torch.full((2, 1), place)])
            for place in (10, 16)
        )
    assert there.shape == (2, 1, 32)
    assert not torch.allclose(there, elsewhere)


def test_the_copy_follows_the_backbone(digits: Tensor) -> None:
    learner = ijepa(vit(), one_minus_momentum=0.1)
    old = learner.teacher.class_token.clone()  # type: ignore[operator, union-attr]
    with torch.no_grad():
        learner.backbone.class_token += 1  # type: ignore[operator]
    learner.before_step(3, 10)
    coefficient = cosine_schedule(3, 10, 0.9, 1.0)
    assert 0.9 < coefficient < 1
    assert_close(learner.teacher.class_token, old + (1 - coefficient))  # type: ignore[arg-type]
    moved = learner.teacher.class_token.clone()  # type: ignore[operator, union-attr]
    learner.before_step(9, 10)
    assert_close(learner.teacher.class_token, moved)  # type: ignore[arg-type]


def test_it_trains_on_digits_without_collapsing(digits: Tensor) -> None:
    going = training("ijepa", digits, n_epochs=20, one_minus_momentum=0.02)
    start = going.learner.teacher.class_token.clone()  # type: ignore[operator, union-attr]
    losses = [going.run_epoch() for _ in range(20)]
    # Less than what predicting 0 for features of mean 0 and variance 1 costs, which is 0.42.
    assert losses[-1] < 0.35
    assert losses[-1] < 0.7 * losses[0]
    assert not torch.equal(going.learner.teacher.class_token, start)  # type: ignore[arg-type]
    with torch.no_grad():
        features = going.learner.backbone(large(digits).float() / 255)  # type: ignore[operator]
    # Not one direction only; the constant part is large, as it is for masked methods.
    spectrum = torch.linalg.svdvals(features - features.mean(0))
    assert spectrum[0] / spectrum.sum() < 0.6


def test_it_goes_on_exactly(digits: Tensor) -> None:
    whole, first = (training("ijepa", digits, n_epochs=3) for _ in range(2))
    losses = [whole.run_epoch() for _ in range(3)]
    assert losses[0] == first.run_epoch()
    again = training("ijepa", digits, n_epochs=3)
    torch.rand(7)
    again.load_state_dict(copy.deepcopy(first.state_dict()))
    assert [again.run_epoch() for _ in range(2)] == losses[1:]
    assert equal(again.state_dict(), whole.state_dict())


def test_the_backbone_stays_what_it_was_and_is_held_once_beside_its_copy() -> None:
    backbone = vit()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    learner = ijepa(backbone)
    assert learner.backbone is backbone
    assert equal(backbone.state_dict(), before)
    assert equal(learner.teacher.state_dict(), before)
    names = [n for n in learner.state_dict() if n.endswith("conv_proj.weight")]
    assert names == ["backbone.conv_proj.weight", "teacher.conv_proj.weight"]
    twin = copy.deepcopy(learner)
    assert twin._encoders[0].vit is twin.backbone
    assert twin._encoders[1].vit is twin.teacher


def test_the_predictor_is_as_large_as_asked_for() -> None:
    predictor = ijepa(vit(), predictor_depth=3).predictor
    assert len(predictor.layers) == 3
    assert predictor.predictor_embed.weight.shape == (16, 32)
    assert predictor.layers[0].mlp[0].out_features == 64


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("resnet18_narrow", 16, "backbone: got a ResNet, and ijepa hides.*--backbone vit_tiny"),
        ("vit_tiny", 8, "image_size: got 8, which is 2 patches of 4 pixels.*--image-size 16"),
    ],
)
def test_another_backbone_is_refused(name: str, size: int, message: str) -> None:
    spec = backbone_spec(name, image_size=size, in_channels=1)
    with pytest.raises(ConfigError, match=message):
        build_learner("ijepa", build_backbone(spec), spec.dim)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target_scale", 0.0), ("target_scale", 0.6), ("context_scale", 0.0),
        ("context_scale", 1.1), ("one_minus_momentum", 0.0), ("one_minus_momentum", 1.1),
        ("n_targets", 0), ("predictor_depth", 0),
    ],
)  # fmt: skip
def test_impossible_values_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{name} {value}")):
        ijepa(vit(), **{name: value})  # type: ignore[arg-type]
