"""A torchvision VisionTransformer for images of any size; loads torchvision, so import it late."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.models.vision_transformer import VisionTransformer

from hpo.errors import ConfigError


class SizedVisionTransformer(VisionTransformer):  # type: ignore[misc]
    """torchvision's `VisionTransformer`: its parameters by its names, without a classifier.

    Two things differ. Images of another size than it was made for, such as local crops, get the
    positional embedding interpolated (bicubic, as in DINO, arXiv 2104.14294), where torchvision
    refuses them; and that embedding is the fixed two-dimensional sine and cosine one, as in MoCo
    v3, MAE and I-JEPA, so that positions mean something before anything was learned.

    Args:
        image_size: side of the images it is made for, pixels, a multiple of `patch_size`.
        patch_size: side of a patch, pixels.
        num_layers: transformer blocks.
        num_heads: attention heads.
        hidden_dim: width of a token, a multiple of 4.
        mlp_dim: width inside a block's MLP.
        in_channels: of the images.
    """

    def __init__(
        self,
        *,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        in_channels: int,
    ) -> None:
        super().__init__(image_size, patch_size, num_layers, num_heads, hidden_dim, mlp_dim)
        from lightly.models.utils import initialize_2d_sine_cosine_positional_embedding

        # torchvision's own is for colour; the initialisation is its own again.
        cutting = nn.Conv2d(in_channels, hidden_dim, patch_size, stride=patch_size)
        nn.init.trunc_normal_(cutting.weight, std=math.sqrt(1 / (in_channels * patch_size**2)))
        nn.init.constant_(cast(Tensor, cutting.bias), 0)
        self.conv_proj = cutting
        self.heads = nn.Identity()
        initialize_2d_sine_cosine_positional_embedding(self.encoder.pos_embedding)

    def forward(self, images: Tensor) -> Tensor:
        """Return the class token after the last norm, (n, hidden_dim).

        Args:
            images: (n, channels, height, width) of any size from one patch on; pixels beyond the
                last whole patch are left out.
        """
        if images.shape[-2:] == (self.image_size, self.image_size):
            return cast(Tensor, super().forward(images))
        if min(images.shape[-2:]) < self.patch_size:
            raise ConfigError(
                f"local_size: got views of {images.shape[-1]} pixels, which is less than one patch "
                f"of this vision transformer; wanted at least {self.patch_size}."
            )
        patches = self.conv_proj(images)
        positions = resized_positions(self.encoder.pos_embedding, patches.shape[-2:])
        tokens = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), tokens], dim=1)
        encoder = self.encoder
        encoded = encoder.ln(encoder.layers(encoder.dropout(tokens + positions)))
        return cast(Tensor, encoded[:, 0])


def resized_positions(positions: Tensor, grid: tuple[int, int]) -> Tensor:
    """Interpolate a positional embedding to another grid of patches; the class token's stays.

    Args:
        positions: (1, 1 + side * side, width), the class token's first.
        grid: rows and columns wanted.

    Returns:
        (1, 1 + rows * columns, width).

    >>> resized_positions(torch.zeros(1, 17, 8), (2, 3)).shape
    torch.Size([1, 7, 8])
    """
    of_class, of_patches = positions[:, :1], positions[:, 1:]
    side = math.isqrt(of_patches.shape[1])
    if grid == (side, side):
        return positions
    square = of_patches.reshape(1, side, side, -1).permute(0, 3, 1, 2)
    resized = nn.functional.interpolate(square, size=grid, mode="bicubic", antialias=True)
    return torch.cat([of_class, resized.flatten(2).transpose(1, 2)], dim=1)
