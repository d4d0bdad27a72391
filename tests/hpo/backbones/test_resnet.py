"""The ResNets are torchvision's, whatever their stem and width."""

from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.testing import assert_close
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from hpo.backbones import backbone_spec, build_backbone
from hpo.backbones.resnet import RESNETS, resnet_spec

LIGHT = ("resnet10_narrow", "resnet18_narrow", "resnet18", "resnet50")


def built(name: str, *, size: int = 16, channels: int = 1, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build_backbone(backbone_spec(name, image_size=size, in_channels=channels)).eval()


def rebuilt(made: dict[str, Any]) -> nn.Module:
    """As anyone would who has torchvision, the fields of a card, and nothing of this package."""
    width, blocks = made["width"], made["blocks"]
    block = BasicBlock if made["block"] == "basic" else Bottleneck
    net = ResNet(block, blocks)
    net.inplanes, net.bn1, net.fc = width, nn.BatchNorm2d(width), nn.Identity()
    net.conv1 = nn.Conv2d(made["in_channels"], width, 3, made["stem_stride"], 1, bias=False)
    net.maxpool = net.maxpool if made["stem_pool"] else nn.Identity()
    for stage in range(4):
        stride = 1 if stage == 0 else 2
        layer = net._make_layer(block, width * 2**stage, blocks[stage], stride=stride)
        setattr(net, f"layer{stage + 1}", layer)
    return net.eval()


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_the_full_ones_have_torchvisions_names_and_shapes(name: str) -> None:
    with torch.device("meta"):
        net = build_backbone(backbone_spec(name, image_size=16, in_channels=1))
        theirs_whole = getattr(torchvision.models, name)().state_dict()
    mine = {n: tuple(value.shape) for n, value in net.state_dict().items()}
    theirs = {n: tuple(v.shape) for n, v in theirs_whole.items() if not n.startswith("fc.")}
    assert list(mine) == list(theirs)
    assert mine.pop("conv1.weight") == (64, 1, 3, 3)
    assert theirs.pop("conv1.weight") == (64, 3, 7, 7)
    assert mine == theirs


@pytest.mark.parametrize("name", LIGHT)
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (32, 3), (65, 3)])
def test_plain_torchvision_loads_the_weights_and_computes_the_same(
    name: str, size: int, channels: int
) -> None:
    spec = backbone_spec(name, image_size=size, in_channels=channels)
    mine = built(name, size=size, channels=channels)
    mine.train()(torch.rand(4, channels, size, size))  # so that BatchNorm has seen something
    theirs = rebuilt(spec.as_dict())
    theirs.load_state_dict(mine.eval().state_dict())
    images = torch.rand(2, channels, size, size)
    with torch.no_grad():
        assert torch.equal(mine(images), theirs(images))


def test_every_image_size_gives_features_of_the_same_width() -> None:
    nets: dict[tuple[int, bool], nn.Module] = {}
    for size in [*range(8, 70), *range(70, 129, 7), 128]:
        spec = resnet_spec("resnet10_narrow", image_size=size, in_channels=1)
        net = nets.setdefault((spec.stem_stride, spec.stem_pool), build_backbone(spec).eval())
        with torch.no_grad():
            features = net(torch.rand(1, 1, size, size))
        assert features.shape == (1, spec.dim)
        assert torch.isfinite(features).all()
    assert len(nets) == 3  # stems


@pytest.mark.parametrize(
    ("name", "dim"),
    [
        ("resnet10_narrow", 128), ("resnet18_narrow", 128), ("resnet18", 512), ("resnet34", 512),
        ("resnet50", 2048), ("resnet101", 2048),
    ],
)  # fmt: skip
def test_the_width_of_the_features(name: str, dim: int) -> None:
    assert name in RESNETS
    assert backbone_spec(name, image_size=16, in_channels=3).dim == dim
    with torch.no_grad():
        assert built(name, channels=3)(torch.rand(2, 3, 8, 8)).shape == (2, dim)


@pytest.mark.parametrize(
    ("name", "size", "stem"),
    [
        ("resnet10_narrow", 23, (1, False)),
        ("resnet10_narrow", 24, (2, False)),
        ("resnet18_narrow", 64, (2, False)),
        ("resnet18_narrow", 65, (2, True)),
        ("resnet18", 32, (1, False)),
        ("resnet18", 33, (2, False)),
        ("resnet18", 64, (2, False)),
        ("resnet50", 65, (2, True)),
    ],
)
def test_the_stem_fits_the_image_size(name: str, size: int, stem: tuple[int, bool]) -> None:
    spec = resnet_spec(name, image_size=size, in_channels=1)
    assert (spec.stem_stride, spec.stem_pool) == stem
    net: Any = build_backbone(spec)
    assert net.conv1.stride == (stem[0], stem[0])
    assert isinstance(net.maxpool, nn.MaxPool2d) is stem[1]
    # What the stem does to the resolution, seen from the first stage.
    seen: list[Tensor] = []
    net.layer1.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        net.eval()(torch.rand(1, 1, size, size))
    halvings = (stem[0] == 2) + stem[1]
    expected = size
    for _ in range(halvings):
        expected = (expected + 1) // 2
    assert seen[0].shape[-1] == expected


def test_the_seed_decides_the_weights() -> None:
    first, again = (built("resnet10_narrow", seed=1).state_dict() for _ in range(2))
    other = built("resnet10_narrow", seed=2).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["layer4.0.conv1.weight"], other["layer4.0.conv1.weight"])


def test_convolutions_start_as_torchvisions() -> None:
    """He's initialisation by fan-out, in the replaced layers too."""
    for name, parameter in built("resnet18_narrow").named_parameters():
        if parameter.ndim == 4 and parameter.numel() > 2000:
            fan_out = parameter.shape[0] * parameter.shape[2] * parameter.shape[3]
            assert_close(parameter.std().item(), (2 / fan_out) ** 0.5, rtol=0.1, atol=0), name
