"""torchvision's vision transformers with patches for small images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from hpo.backbones.spec import BackboneSpec
from hpo.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ViTSpec(BackboneSpec):
    """A vision transformer; its features are the class token after the last norm.

    Args:
        patch_size: side of a patch, pixels; divides the image size.
        depth: transformer blocks.
        n_heads: attention heads; their number divides the width `dim`.
        mlp_width: width inside a block's MLP.
    """

    family: ClassVar[str] = "vit"

    patch_size: int
    depth: int
    n_heads: int
    mlp_width: int

    def build(self) -> nn.Module:
        """Build a torchvision `VisionTransformer` that takes images of other sizes too."""
        from hpo.backbones.sized_vit import SizedVisionTransformer

        return SizedVisionTransformer(
            image_size=self.image_size,
            patch_size=self.patch_size,
            num_layers=self.depth,
            num_heads=self.n_heads,
            hidden_dim=self.dim,
            mlp_dim=self.mlp_width,
            in_channels=self.in_channels,
        )


_SHAPES: dict[str, tuple[int, int, int]] = {  # width, depth, heads
    "vit_tiny": (192, 6, 3),
    "vit_small": (384, 12, 6),
    "vit_base": (768, 12, 12),
}
VITS = tuple(_SHAPES)


def vit_spec(name: str, *, image_size: int, in_channels: int) -> ViTSpec:
    """Fit the patches of a vision transformer to the image size.

    Patches are 4 pixels wide up to images of 40 pixels, 8 up to 96 and 16 above: 49 to 196 of
    them from 28 to 224 pixels. `vit_tiny` is half as deep as DeiT's (arXiv 2012.12877), so that it
    can be trained on a processor; the other two are DeiT's small and base.

    Args:
        name: one of `VITS`.
        image_size: side of the square input, pixels.
        in_channels: 1 or 3.

    Raises:
        ConfigError: when patches do not cover such images.

    >>> spec = vit_spec("vit_tiny", image_size=32, in_channels=3)
    >>> spec.patch_size, spec.dim
    (4, 192)
    """
    patch_size = 4 if image_size <= 40 else 8 if image_size <= 96 else 16
    if image_size % patch_size:
        below = image_size // patch_size * patch_size
        raise ConfigError(
            f"image_size: got {image_size}, which {name} cannot cut into patches of {patch_size} "
            f"pixels; give --image-size {below} or {below + patch_size}."
        )
    width, depth, n_heads = _SHAPES[name]
    return ViTSpec(
        name=name,
        dim=width,
        in_channels=in_channels,
        image_size=image_size,
        patch_size=patch_size,
        depth=depth,
        n_heads=n_heads,
        mlp_width=4 * width,
    )
