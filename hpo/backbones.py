"""Backbones for small images, all of them plain torchvision ResNets with a small stem.

The modules are `torchvision.models.ResNet` objects whose stem and widths were replaced, so their
weights carry torchvision's own parameter names and load into plain torchvision again (README).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from hpo.errors import ConfigError
from hpo.suggestion import suggestion


@dataclass(frozen=True)
class BackboneSpec:
    """What it takes to rebuild a backbone: widths, depth, stem and channels.

    Args:
        name: one of `backbone_names()`.
        blocks: number of basic blocks in each of the four stages.
        width: channels of the first stage; each later stage doubles them.
        stem_stride: stride of the 3x3 stem convolution, 1 or 2.
        stem_pool: whether torchvision's 3x3 stride-2 max pooling follows the stem.
        in_channels: 1 for grey images, 3 for colour.
    """

    name: str
    blocks: tuple[int, int, int, int]
    width: int
    stem_stride: int
    stem_pool: bool
    in_channels: int

    @property
    def dim(self) -> int:
        """Width of the representation h, in features."""
        return self.width * 8

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain data for a card or a database."""
        return asdict(self)


_SHAPES: dict[str, tuple[tuple[int, int, int, int], int]] = {
    "resnet10_narrow": ((1, 1, 1, 1), 16),
    "resnet18_narrow": ((2, 2, 2, 2), 16),
    "resnet18": ((2, 2, 2, 2), 64),
}


def backbone_names() -> list[str]:
    """Return the known backbone names.

    >>> backbone_names()
    ['resnet10_narrow', 'resnet18', 'resnet18_narrow']
    """
    return sorted(_SHAPES)


def backbone_spec(name: str, *, image_size: int, in_channels: int) -> BackboneSpec:
    """Fit the stem of a backbone to the image size.

    The full-width resnet18 keeps CIFAR's stride-1 stem up to 32 pixels. The narrow ones are for
    processors and halve the resolution from 24 pixels on, which makes them four times cheaper.

    Args:
        name: one of `backbone_names()`.
        image_size: side of the square input, pixels.
        in_channels: 1 or 3.

    Returns:
        The spec; `spec.dim` is the width of the representation.

    Raises:
        ConfigError: for an unknown name.

    >>> backbone_spec("resnet10_narrow", image_size=16, in_channels=1).dim
    128
    """
    if name not in _SHAPES:
        raise ConfigError(
            f"backbone: got {name!r}, which is not a known backbone. {suggestion(name, _SHAPES)}"
        )
    blocks, width = _SHAPES[name]
    stride_from = 24 if width < 64 else 33
    return BackboneSpec(
        name=name,
        blocks=blocks,
        width=width,
        stem_stride=2 if image_size >= stride_from else 1,
        stem_pool=image_size > 64,
        in_channels=in_channels,
    )


def build_backbone(spec: BackboneSpec) -> nn.Module:
    """Build the backbone of a spec: images (n, channels, size, size) to features (n, spec.dim).

    Args:
        spec: from `backbone_spec`, or rebuilt from a card.

    Returns:
        A torchvision `ResNet` with `fc` replaced by the identity.

    >>> net = build_backbone(backbone_spec("resnet10_narrow", image_size=16, in_channels=1))
    >>> sum(p.numel() for p in net.parameters())
    307248
    """
    from torchvision.models.resnet import BasicBlock, ResNet

    net = ResNet(BasicBlock, list(spec.blocks))
    net.inplanes = spec.width
    net.conv1 = nn.Conv2d(
        spec.in_channels, spec.width, 3, stride=spec.stem_stride, padding=1, bias=False
    )
    net.bn1 = nn.BatchNorm2d(spec.width)
    if not spec.stem_pool:
        net.maxpool = nn.Identity()
    for stage in range(4):
        layer = net._make_layer(
            BasicBlock, spec.width * 2**stage, spec.blocks[stage], stride=1 if stage == 0 else 2
        )
        setattr(net, f"layer{stage + 1}", layer)
    net.fc = nn.Identity()
    for module in net.modules():
        # ResNet initialises before the layers above replaced its own, so it is repeated for them.
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    backbone: nn.Module = net
    return backbone
