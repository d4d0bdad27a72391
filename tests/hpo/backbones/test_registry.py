"""Every kind of backbone through the same door."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from hpo.backbones import BackboneSpec, backbone_names, backbone_spec, build_backbone, spec_from
from hpo.errors import ConfigError

OWN = f"{Path(__file__).parent / 'nets.py'}:Tiny"
KINDS = ("resnet10_narrow", "resnet50", "vit_tiny", "timm:test_vit", "timm:test_resnet", OWN)
EVERY_KIND = pytest.mark.parametrize("name", KINDS)


def spec_of(name: str) -> BackboneSpec:
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    return backbone_spec(name, image_size=32, in_channels=1)


def test_the_names() -> None:
    assert backbone_names() == [
        "resnet101", "resnet10_narrow", "resnet18", "resnet18_narrow", "resnet34", "resnet50",
        "vit_base", "vit_small", "vit_tiny",
    ]  # fmt: skip


@EVERY_KIND
def test_a_spec_is_plain_data_that_travels(name: str) -> None:
    spec = spec_of(name)
    assert (spec.name, spec.in_channels, spec.image_size) == (name, 1, 32)
    there = pickle.loads(pickle.dumps(spec))
    assert there == spec
    assert hash(there) == hash(spec)
    assert spec_from(json.loads(json.dumps(spec.as_dict()))) == spec


@EVERY_KIND
def test_it_makes_features_of_the_width_it_says(name: str) -> None:
    spec = spec_of(name)
    net = build_backbone(spec)
    features = net(torch.rand(4, 1, 32, 32))
    assert features.shape == (4, spec.dim)
    features.sum().backward()
    assert all(p.grad is not None for p in net.parameters() if p.requires_grad)


@EVERY_KIND
def test_the_layout_of_the_pixels_changes_nothing(name: str) -> None:
    """Training keeps images and convolutions in channels_last, colour images above all."""
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    net = build_backbone(backbone_spec(name, image_size=32, in_channels=3)).eval()
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        usual = net(images)
        net = net.to(memory_format=torch.channels_last)
        assert_close(net(images.contiguous(memory_format=torch.channels_last)), usual)


@EVERY_KIND
def test_asking_for_a_spec_draws_nothing(name: str) -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    spec_of(name)
    assert torch.equal(torch.rand(1), expected)


@EVERY_KIND
def test_the_seed_decides_the_weights(name: str) -> None:
    spec = spec_of(name)
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(build_backbone(spec).state_dict())
    first, again, other = states
    assert all(torch.equal(first[n], again[n]) for n in first)
    assert any(not torch.equal(first[n], other[n]) for n in first)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet10-narrow", "backbone: got 'resnet10-narrow'.*Did you mean 'resnet10_narrow'?"),
        ("qqq", "Known: resnet101, resnet10_narrow, .* FILE.py:NAME"),
    ],
)
def test_an_unknown_backbone_is_refused_with_the_nearest_name(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        backbone_spec(name, image_size=16, in_channels=1)


@pytest.mark.parametrize("change", [{"family": "cnn"}, {"family": None}, {"depth": 3}])
def test_an_architecture_of_another_version_is_refused(change: dict[str, object]) -> None:
    made = backbone_spec("resnet18", image_size=16, in_channels=1).as_dict()
    with pytest.raises(ConfigError, match=r"architecture: got .*'resnet18'.* wanted that"):
        spec_from({**made, **change})
