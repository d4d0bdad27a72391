"""What both masked methods ask of a backbone: to be a plain vision transformer."""

from __future__ import annotations

from typing import Any

from torch import nn

from hpo.errors import ConfigError

_LEAST_SIDE = 4


def masked_encoder(backbone: nn.Module, *, method: str) -> Any:
    """Return Lightly's encoder around a backbone: its `encode(images, idx_keep)` sees a part.

    The backbone's weights stay as they are. The encoder shares them; whoever keeps it as a
    submodule beside the backbone has every weight twice in a checkpoint.

    Args:
        backbone: a torchvision `VisionTransformer` whose patches are cut by one convolution.
        method: for messages.

    Raises:
        ConfigError: for any other network, or fewer than 4 x 4 patches.
    """
    from lightly.models.modules import MaskedVisionTransformerTorchvision
    from torchvision.models.vision_transformer import VisionTransformer

    cutting = getattr(backbone, "conv_proj", None)
    if not isinstance(backbone, VisionTransformer) or not isinstance(cutting, nn.Conv2d):
        raise ConfigError(
            f"backbone: got a {type(backbone).__name__}, and {method} hides patches from a "
            "torchvision VisionTransformer; give --backbone vit_tiny, vit_small or vit_base."
        )
    if grid_side(backbone) < _LEAST_SIDE:
        patch_size = backbone.patch_size
        raise ConfigError(
            f"image_size: got {backbone.image_size}, which is {grid_side(backbone)} patches of "
            f"{patch_size} pixels a side; {method} needs {_LEAST_SIDE} to hide some of them; "
            f"give --image-size {_LEAST_SIDE * patch_size} or more."
        )
    return MaskedVisionTransformerTorchvision(
        backbone, weight_initialization="skip", pos_embed_initialization="skip"
    )


def grid_side(vit: Any) -> int:
    """Return how many patches a vision transformer cuts each side of an image into."""
    return int(vit.image_size // vit.patch_size)


def attention_heads(width: int) -> int:
    """Return the number of attention heads for a width: each 32 wide, where that divides it.

    >>> attention_heads(96), attention_heads(48)
    (3, 1)
    """
    return max(n for n in range(1, max(1, width // 32) + 1) if width % n == 0)
