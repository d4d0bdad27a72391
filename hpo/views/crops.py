"""Random crops and flips: which part of an image a view shows, resized as torchvision does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from hpo.views.recipe import ViewRecipe
from hpo.views.resampling import resample

_TRIES = 10  # as torchvision's RandomResizedCrop
N_CROP_DRAWS = 2 * _TRIES + 3


@dataclass(frozen=True)
class Crops:
    """Where the views of a batch lie, in pixels; fractions of a pixel are meant.

    Args:
        left, top, width, height: float32, shape (n,).
        flipped: bool, shape (n,), whether left and right are exchanged.
    """

    left: Tensor
    top: Tensor
    width: Tensor
    height: Tensor
    flipped: Tensor


def draw_crops(
    draws: Tensor, recipe: ViewRecipe, ratio: float, *, height: int, width: int
) -> Crops:
    """Return one crop an image.

    As in torchvision, the first of ten crops that fits into the image, or else all of it.

    Args:
        draws: uniform in [0, 1), shape (n, N_CROP_DRAWS).
        recipe: shares of the area, and the probability of a flip.
        ratio: crops have an aspect ratio between 1 / ratio and ratio.
        height: of the images, in pixels.
        width: of the images, in pixels.

    >>> draws = torch.full((1, N_CROP_DRAWS), 0.5)
    >>> draw_crops(draws, ViewRecipe(min_scale=0.5, max_scale=0.5), 1.0, height=8, width=8).width
    tensor([5.6569])
    """
    area = draws[:, :_TRIES] * (recipe.max_scale - recipe.min_scale) + recipe.min_scale
    log_ratio = (draws[:, _TRIES : 2 * _TRIES] * 2 - 1) * math.log(ratio)
    fits = log_ratio.abs() <= -area.log()
    fitting, first = fits.max(dim=1)
    area = torch.where(fitting, area.gather(1, first[:, None])[:, 0], 1.0)
    log_ratio = torch.where(fitting, log_ratio.gather(1, first[:, None])[:, 0], 0.0)
    x, y, flip = draws[:, 2 * _TRIES :].unbind(dim=1)
    across = (area * log_ratio.exp()).sqrt() * width
    down = (area / log_ratio.exp()).sqrt() * height
    return Crops(x * (width - across), y * (height - down), across, down, flip < recipe.hf_prob)


def crop_and_resize(images: Tensor, crops: Crops, *, height: int, width: int) -> Tensor:
    """Cut the crops out and give all of them one size.

    Bilinear, with antialiasing where a crop is larger than its view, as torchvision and Pillow do:
    the triangle that weighs the pixels is as wide as a pixel of the view. Pixels that a crop does
    not touch have no part in it.

    Args:
        images: uint8 or float32, shape (n, channels, any height, any width).
        crops: one an image.
        height: of the views, in pixels.
        width: of the views, in pixels.

    Returns:
        float32, shape (n, channels, height, width), in the images' unit.
    """
    if height < images.shape[2] or width < images.shape[3]:
        rows = _weights(crops.top, crops.height, n_from=images.shape[2], n_to=height)
        columns = _weights(
            crops.left, crops.width, n_from=images.shape[3], n_to=width, flipped=crops.flipped
        )
        return resample(images, rows, columns)
    # No crop is larger than its view: then two pixels a direction weigh anything, and the matrices
    # above are nearly all zeros. The same values, and on large images in less than half the time.
    x = _nearest_inside(crops.left, crops.width, width, flipped=crops.flipped)
    y = _nearest_inside(crops.top, crops.height, height)
    n = len(images)
    grid = torch.empty(n, height, width, 2, device=images.device)
    grid[..., 0] = (x * (2 / images.shape[3]) - 1).view(n, 1, width)
    grid[..., 1] = (y * (2 / images.shape[2]) - 1).view(n, height, 1)
    return grid_sample(
        images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def _centres(start: Tensor, length: Tensor, n_to: int, flipped: Tensor | None) -> Tensor:
    """Centres (n, n_to) of a view's pixels, in pixels of the image, along one direction."""
    share = ((torch.arange(n_to, device=start.device) + 0.5) / n_to).expand(len(start), -1)
    if flipped is not None:
        share = torch.where(flipped[:, None], 1 - share, share)
    return torch.addcmul(start[:, None], share, length[:, None])


def _nearest_inside(
    start: Tensor, length: Tensor, n_to: int, *, flipped: Tensor | None = None
) -> Tensor:
    """Centres as above, moved to where no pixel outside the crop weighs anything."""
    first, last = start.floor() + 0.5, (start + length).ceil() - 0.5
    return _centres(start, length, n_to, flipped).clamp_(first[:, None], last[:, None])


def _weights(
    start: Tensor, length: Tensor, *, n_from: int, n_to: int, flipped: Tensor | None = None
) -> Tensor:
    """Weights (n, n_to, n_from) of an image's pixels in a view's, along one direction."""
    centres = _centres(start, length, n_to, flipped)[:, :, None]
    start, length = start[:, None], length[:, None]
    pixels = torch.arange(n_from, device=start.device, dtype=torch.float32)
    touched = (pixels + 1 > start) & (pixels < start + length)
    reach = (length / n_to).clamp(min=1.0)[:, :, None]
    weights = (pixels + 0.5 - centres).abs_().div_(-reach).add_(1.0).clamp_(min=0.0)
    weights *= touched[:, None, :]
    return weights.div_(weights.sum(dim=2, keepdim=True))
