"""MAE is Lightly's example around a plain vision transformer, and learns digits."""

import copy
import re

import pytest
import torch
from lightly.models import utils
from lightly.models.modules import MAEDecoder, MaskedVisionTransformerTorchvision
from torch import Tensor, nn
from torch.testing import assert_close

from hpo.backbones import backbone_spec, build_backbone
from hpo.errors import ConfigError
from hpo.methods import build_learner
from hpo.methods.masked import mae
from tests.hpo.methods.masked.vits import SPEC, TINY, equal, large, training, vit


@pytest.mark.parametrize("mask_ratio", [0.75, 0.4])
def test_loss_and_gradient_are_those_of_the_step_written_out(
    digits: Tensor, mask_ratio: float
) -> None:
    images = large(digits[:8]).float() / 255
    learner = mae(vit(), mask_ratio=mask_ratio)
    # As Lightly's example has it, with the torchvision parts that Lightly has.
    backbone = copy.deepcopy(learner.backbone)
    encoder = MaskedVisionTransformerTorchvision(
        backbone, weight_initialization="skip", pos_embed_initialization="skip"
    )
    decoder = MAEDecoder(
        seq_length=17, num_layers=2, num_heads=1, embed_input_dim=32, hidden_dim=16, mlp_dim=64,
        out_dim=16,
    )  # fmt: skip
    decoder.load_state_dict(learner.decoder.state_dict())
    torch.manual_seed(5)
    idx_keep, idx_mask = utils.random_token_mask(size=(8, 17), mask_ratio=mask_ratio)
    x_encoded = encoder.encode(images=images, idx_keep=idx_keep)
    x_decode = decoder.embed(x_encoded)
    x_masked = utils.repeat_token(learner.mask_token.detach(), (8, 17))
    x_masked = utils.set_at_index(x_masked, idx_keep, x_decode)
    x_pred = decoder.predict(utils.get_at_index(decoder.decode(x_masked), idx_mask))
    target = utils.get_at_index(utils.patchify(images, 4), idx_mask - 1)
    mean, variance = target.mean(-1, keepdim=True), target.var(-1, keepdim=True)
    expected = ((x_pred - (target - mean) / (variance + 1e-6).sqrt()) ** 2).mean()
    expected.backward()  # type: ignore[no-untyped-call]

    torch.manual_seed(5)
    loss = learner([images])
    loss.backward()
    assert_close(loss, expected)
    assert idx_mask.shape[1] == 16 - int(16 * (1 - mask_ratio))
    for mine, theirs in zip(learner.backbone.parameters(), backbone.parameters(), strict=True):
        if mine.requires_grad:
            assert_close(mine.grad, theirs.grad)


def test_every_weight_that_trains_gets_a_gradient(digits: Tensor) -> None:
    learner = mae(vit())
    learner([large(digits[:8]).float() / 255]).backward()
    still = [n for n, p in learner.named_parameters() if p.requires_grad and p.grad is None]
    assert still == []


def test_the_loss_falls_on_digits(digits: Tensor) -> None:
    going = training("mae", digits, n_epochs=20)
    losses = [going.run_epoch() for _ in range(20)]
    # Less than what painting every patch with its mean costs: 15/16 or, of blank ones, nothing.
    assert losses[-1] < 0.9
    assert losses[-1] < 0.6 * losses[0]


def test_it_goes_on_exactly(digits: Tensor) -> None:
    whole, first = (training("mae", digits, n_epochs=3) for _ in range(2))
    losses = [whole.run_epoch() for _ in range(3)]
    assert losses[0] == first.run_epoch()
    again = training("mae", digits, n_epochs=3)
    torch.rand(7)
    again.load_state_dict(copy.deepcopy(first.state_dict()))
    assert [again.run_epoch() for _ in range(2)] == losses[1:]
    assert equal(again.state_dict(), whole.state_dict())


def test_the_backbone_stays_what_it_was_and_is_held_once() -> None:
    backbone = vit()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    learner = mae(backbone)
    assert learner.backbone is backbone
    assert equal(backbone.state_dict(), before)
    assert sum(name.endswith("conv_proj.weight") for name in learner.state_dict()) == 1
    twin = copy.deepcopy(learner)
    assert twin._encoder[0].vit is twin.backbone  # type: ignore[attr-defined]


def test_the_decoder_is_as_large_as_asked_for() -> None:
    learner = mae(vit(), decoder_depth=3, decoder_width_share=0.25)
    assert learner.mask_token.shape == (1, 1, 8)
    assert len(learner.decoder.layers) == 3  # type: ignore[arg-type, union-attr]
    assert mae(vit(SPEC)).mask_token.shape == (1, 1, 96)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        (
            "resnet10_narrow",
            16,
            "backbone: got a ResNet, and mae hides patches.*--backbone vit_tiny",
        ),
        ("vit_tiny", 12, "image_size: got 12, which is 3 patches of 4 pixels.*--image-size 16"),
    ],
)
def test_another_backbone_is_refused(name: str, size: int, message: str) -> None:
    spec = backbone_spec(name, image_size=size, in_channels=1)
    with pytest.raises(ConfigError, match=message):
        build_learner("mae", build_backbone(spec), spec.dim)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mask_ratio", 0.0, "mae: got mask_ratio 0.0"),
        ("mask_ratio", 1.0, "mae: got mask_ratio 1.0"),
        ("mask_ratio", 0.95, "got 0.95, which hides all 16 patches; wanted less than 0.938"),
        ("decoder_depth", 0, "decoder_depth 0"),
        ("decoder_width_share", 0.0, "decoder_width_share 0.0"),
        ("decoder_width_share", 1.5, "decoder_width_share 1.5"),
    ],
)
def test_impossible_values_are_refused(name: str, value: float, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        mae(vit(), **{name: value})  # type: ignore[arg-type]


def test_a_transformer_of_the_users_own_will_do(digits: Tensor) -> None:
    from torchvision.models import VisionTransformer

    own = VisionTransformer(16, 2, 1, 1, 20, 40)
    own.conv_proj, own.heads = nn.Conv2d(1, 20, 2, 2), nn.Identity()
    assert mae(own)([large(digits[:4]).float() / 255]).isfinite()
    assert TINY.dim == 32
