"""Backbones by name: those that come along, timm's, and the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from torch import nn

from hpo.backbones.features import fresh
from hpo.backbones.own import OwnSpec, own_spec
from hpo.backbones.resnet import RESNETS, ResNetSpec, resnet_spec
from hpo.backbones.spec import BackboneSpec
from hpo.backbones.timm_models import PREFIX, TimmSpec, timm_spec
from hpo.backbones.vit import VITS, ViTSpec, vit_spec
from hpo.backbones.weights import WeightsFile, load_weights
from hpo.errors import ConfigError
from hpo.named_object import is_reference
from hpo.suggestion import suggestion

_FAMILIES: dict[str, type[BackboneSpec]] = {
    spec.family: spec for spec in (ResNetSpec, ViTSpec, TimmSpec, OwnSpec)
}


def backbone_names() -> list[str]:
    """Return the names of the backbones that come along.

    >>> backbone_names()[:4]
    ['resnet101', 'resnet10_narrow', 'resnet18', 'resnet18_narrow']
    """
    return sorted((*RESNETS, *VITS))


def backbone_spec(
    name: str, *, image_size: int, in_channels: int, weights: Path | None = None
) -> BackboneSpec:
    """Fit a backbone to the images, and check all that can be checked before training.

    Args:
        name: one of `backbone_names()`, `timm:NAME`, or `FILE.py:NAME` or `package.module:NAME`
            of a function or class that returns a module.
        image_size: side of the square input, pixels.
        in_channels: 1 or 3.
        weights: .safetensors, .pt or .pth file to start from; None for fresh weights.

    Returns:
        The spec; `spec.dim` is the width of the representation.

    Raises:
        ConfigError: for an unknown name, a network that does not turn such images into features,
            or weights that do not fit it.

    >>> backbone_spec("resnet10_narrow", image_size=16, in_channels=1).dim
    128
    """
    spec = _named(name, image_size, in_channels)
    if weights is None:
        return spec
    spec = replace(spec, weights=WeightsFile.of(weights))
    fresh(lambda: build_backbone(spec), name)
    return spec


def build_backbone(spec: BackboneSpec) -> nn.Module:
    """Build the backbone of a spec: images (n, channels, size, size) to features (n, spec.dim).

    Fresh weights are drawn from torch's global generator.

    Args:
        spec: from `backbone_spec`, or rebuilt from a card.

    Raises:
        ConfigError: when the file of its weights is gone or changed.

    >>> net = build_backbone(backbone_spec("resnet10_narrow", image_size=16, in_channels=1))
    >>> sum(p.numel() for p in net.parameters())
    307248
    """
    net = spec.build()
    if spec.weights is not None:
        load_weights(net, spec.weights)
    return net


def spec_from(architecture: Mapping[str, Any]) -> BackboneSpec:
    """Return the spec that `as_dict` described, without the weights that training began with.

    Args:
        architecture: of a card.

    Raises:
        ConfigError: for an architecture of an unknown family or with other fields.

    >>> spec = backbone_spec("vit_tiny", image_size=16, in_channels=1)
    >>> spec_from(spec.as_dict()) == spec
    True
    """
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in architecture.items()
    }
    family = _FAMILIES.get(str(given.pop("family", None)))
    if family is None or set(given) != {field.name for field in fields(family)}:
        raise ConfigError(
            f"architecture: got {dict(architecture)}; wanted that of a card written by this "
            "version of goldilocks-hpo."
        )
    return family(**{**given, "weights": None})


def _named(name: str, image_size: int, in_channels: int) -> BackboneSpec:
    if name in RESNETS:
        return resnet_spec(name, image_size=image_size, in_channels=in_channels)
    if name in VITS:
        return vit_spec(name, image_size=image_size, in_channels=in_channels)
    if name.startswith(PREFIX):
        return timm_spec(name, image_size=image_size, in_channels=in_channels)
    if is_reference(name):
        return own_spec(name, image_size=image_size, in_channels=in_channels)
    raise ConfigError(
        f"backbone: got {name!r}, which is not a known backbone. "
        f"{suggestion(name, backbone_names())} Others are named timm:NAME or FILE.py:NAME."
    )
