"""torchvision's ResNets with a stem for small images, full or narrow.

The modules are `torchvision.models.ResNet` objects whose stem and widths were replaced, so their
weights carry torchvision's own parameter names and load into plain torchvision again (README).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from hpo.backbones.spec import BackboneSpec

Block = Literal["basic", "bottleneck"]
Blocks = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class ResNetSpec(BackboneSpec):
    """A ResNet: widths, depth and stem.

    Args:
        block: "basic" (two 3x3 convolutions) or "bottleneck" (1x1, 3x3, 1x1, four times as wide
            at its end).
        blocks: number of blocks in each of the four stages.
        width: channels of the first stage; each later stage doubles them.
        stem_stride: stride of the 3x3 stem convolution, 1 or 2.
        stem_pool: whether torchvision's 3x3 stride-2 max pooling follows the stem.
    """

    family: ClassVar[str] = "resnet"

    block: Block
    blocks: Blocks
    width: int
    stem_stride: int
    stem_pool: bool

    def build(self) -> nn.Module:
        """Build a torchvision `ResNet` with `fc` replaced by the identity."""
        from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

        block = BasicBlock if self.block == "basic" else Bottleneck
        net = ResNet(block, list(self.blocks))
        net.inplanes = self.width
        net.conv1 = nn.Conv2d(
            self.in_channels, self.width, 3, stride=self.stem_stride, padding=1, bias=False
        )
        net.bn1 = nn.BatchNorm2d(self.width)
        if not self.stem_pool:
            net.maxpool = nn.Identity()
        for stage in range(4):
            layer = net._make_layer(
                block, self.width * 2**stage, self.blocks[stage], stride=1 if stage == 0 else 2
            )
            setattr(net, f"layer{stage + 1}", layer)
        net.fc = nn.Identity()
        for module in net.modules():
            # ResNet initialises before the layers above replaced its own: repeated for them.
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        backbone: nn.Module = net
        return backbone


_SHAPES: dict[str, tuple[Block, Blocks, int]] = {
    "resnet10_narrow": ("basic", (1, 1, 1, 1), 16),
    "resnet18_narrow": ("basic", (2, 2, 2, 2), 16),
    "resnet18": ("basic", (2, 2, 2, 2), 64),
    "resnet34": ("basic", (3, 4, 6, 3), 64),
    "resnet50": ("bottleneck", (3, 4, 6, 3), 64),
    "resnet101": ("bottleneck", (3, 4, 23, 3), 64),
}
RESNETS = tuple(_SHAPES)


def resnet_spec(name: str, *, image_size: int, in_channels: int) -> ResNetSpec:
    """Fit the stem of a ResNet to the image size.

    The full-width ones keep CIFAR's stride-1 stem up to 32 pixels. The narrow ones are for
    processors and halve the resolution from 24 pixels on, which makes them four times cheaper.

    Args:
        name: one of `RESNETS`.
        image_size: side of the square input, pixels.
        in_channels: 1 or 3.

    >>> resnet_spec("resnet50", image_size=64, in_channels=3).dim
    2048
    """
    block, blocks, width = _SHAPES[name]
    return ResNetSpec(
        name=name,
        dim=width * 8 * (4 if block == "bottleneck" else 1),
        in_channels=in_channels,
        image_size=image_size,
        block=block,
        blocks=blocks,
        width=width,
        stem_stride=2 if image_size >= (24 if width < 64 else 33) else 1,
        stem_pool=image_size > 64,
    )
