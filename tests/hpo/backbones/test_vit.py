"""The vision transformers are torchvision's, and take images of other sizes too."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from torchvision.models import VisionTransformer

from hpo.backbones import backbone_spec, build_backbone
from hpo.backbones.sized_vit import resized_positions
from hpo.backbones.vit import VITS, vit_spec
from hpo.errors import ConfigError


def built(size: int = 16, channels: int = 1, name: str = "vit_tiny") -> Any:
    torch.manual_seed(0)
    return build_backbone(backbone_spec(name, image_size=size, in_channels=channels)).eval()


def plain(made: dict[str, Any]) -> Any:
    """As anyone would who has torchvision and the fields of a card."""
    net = VisionTransformer(
        made["image_size"], made["patch_size"], made["depth"], made["n_heads"], made["dim"],
        made["mlp_width"],
    )  # fmt: skip
    patch = made["patch_size"]
    net.conv_proj = nn.Conv2d(made["in_channels"], made["dim"], patch, patch)
    net.heads = nn.Identity()
    return net.eval()


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 1), (32, 3), (64, 3), (112, 1)])
def test_plain_torchvision_loads_the_weights_and_computes_the_same(
    size: int, channels: int
) -> None:
    spec = backbone_spec("vit_tiny", image_size=size, in_channels=channels)
    mine, theirs = built(size, channels), plain(spec.as_dict())
    theirs.load_state_dict(mine.state_dict())
    images = torch.rand(2, channels, size, size)
    with torch.no_grad():
        features = mine(images)
        assert features.shape == (2, spec.dim)
        assert torch.equal(features, theirs(images))


@pytest.mark.parametrize(
    ("size", "patch_size"), [(8, 4), (40, 4), (48, 8), (96, 8), (112, 16), (224, 16)]
)
def test_the_patches_fit_the_image_size(size: int, patch_size: int) -> None:
    assert vit_spec("vit_small", image_size=size, in_channels=3).patch_size == patch_size


@pytest.mark.parametrize(
    ("size", "message"), [(30, "28 or 32"), (50, "48 or 56"), (100, "96 or 112")]
)
def test_an_image_that_patches_do_not_cover_is_refused(size: int, message: str) -> None:
    with pytest.raises(ConfigError, match=f"image_size: got {size}.*--image-size {message}"):
        backbone_spec("vit_base", image_size=size, in_channels=3)


@pytest.mark.parametrize(
    ("name", "shape", "n_million"),
    [
        ("vit_tiny", (192, 6, 3), 2.7),
        ("vit_small", (384, 12, 6), 21.4),
        ("vit_base", (768, 12, 12), 85.2),
    ],
)
def test_their_shapes(name: str, shape: tuple[int, int, int], n_million: float) -> None:
    assert name in VITS
    spec = vit_spec(name, image_size=32, in_channels=3)
    assert (spec.dim, spec.depth, spec.n_heads) == shape
    with torch.device("meta"):
        net = plain(spec.as_dict())
    n = sum(p.numel() for p in net.parameters())
    assert_close(n / 1e6, n_million, atol=0.1, rtol=0)


def test_the_class_token_sees_every_patch_after_the_last_norm() -> None:
    net = built()
    seen: list[Tensor] = []
    net.encoder.ln.register_forward_hook(lambda module, inputs, output: seen.append(output))
    images = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        features = net(images)
        assert torch.equal(features, seen[0][:, 0])
        for corner in (0, 15):
            other = images.clone()
            other[:, :, corner, corner] += 1
            assert not torch.allclose(net(other), features, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_starts_as_torchvisions_but_for_its_positions(channels: int) -> None:
    net = built(32, channels)
    fan_in = channels * 4 * 4
    assert_close(net.conv_proj.weight.std().item(), fan_in**-0.5, rtol=0.05, atol=0)
    assert torch.equal(net.conv_proj.bias, torch.zeros(192))
    positions = net.encoder.pos_embedding
    assert not positions.requires_grad
    assert torch.equal(positions[0, 0], torch.zeros(192))
    # The nearer two patches, the more alike: those beside, then those two away.
    grid = nn.functional.normalize(positions[0, 1:], dim=1).view(8, 8, 192)
    beside, apart = (grid[3, 3] @ grid[3, 4], grid[3, 3] @ grid[3, 5])
    assert apart < beside < 1
    assert_close(beside, grid[3, 3] @ grid[4, 3])


# Other sizes


def test_another_size_is_that_sizes_network_with_the_positions_interpolated() -> None:
    net = built(32)
    small = plain(vit_spec("vit_tiny", image_size=16, in_channels=1).as_dict())
    state = net.state_dict()
    old = state["encoder.pos_embedding"]
    square = old[:, 1:].view(1, 8, 8, 192).permute(0, 3, 1, 2)
    new = nn.functional.interpolate(square, size=(4, 4), mode="bicubic", antialias=True)
    state["encoder.pos_embedding"] = torch.cat([old[:, :1], new.flatten(2).mT], dim=1)
    small.load_state_dict(state)
    images = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        assert_close(net(images), small(images))


def test_interpolated_positions_stay_where_they_were() -> None:
    """Positions that are coordinates tell whether rows and columns are kept apart."""
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    grid = torch.stack([rows, columns], dim=-1).view(1, 64, 2)
    of_class = torch.full((1, 1, 2), 7.0)
    found = resized_positions(torch.cat([of_class, grid], dim=1), (4, 2))
    assert torch.equal(found[:, :1], of_class)
    inner = found[0, 1:].view(4, 2, 2)
    assert_close(inner[1:3, :, 0], torch.tensor([[2.5, 2.5], [4.5, 4.5]]), atol=0.05, rtol=0)
    assert (inner[:, 1, 1] - inner[:, 0, 1] > 3).all()


def test_the_same_grid_is_left_as_it_is() -> None:
    positions = torch.rand(1, 17, 8)
    assert resized_positions(positions, (4, 4)) is positions


@pytest.mark.parametrize("size", [4, 9, 16, 24, 37])
def test_local_crops_of_any_size_train(size: int) -> None:
    net = built(32).train()
    (net(torch.rand(2, 1, size, size)) ** 3).sum().backward()
    assert net.conv_proj.weight.grad.abs().sum() > 0


def test_pixels_beyond_the_last_patch_are_left_out() -> None:
    net = built(32)
    images = torch.rand(2, 1, 18, 18)
    with torch.no_grad():
        assert_close(net(images), net(images[..., :16, :16]))


def test_a_crop_smaller_than_a_patch_is_refused() -> None:
    net = built(64)
    with pytest.raises(ConfigError, match=r"local_size: got views of 7 pixels.*at least 8"):
        net(torch.rand(2, 1, 7, 7))


def test_a_copy_is_the_same_network() -> None:
    net = built()
    images = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        assert torch.equal(copy.deepcopy(net)(images), net(images))
