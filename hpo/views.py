"""Views: one random crop, flip, colour jitter and grey per image, drawn for a whole batch at once.

Same argument names and meaning as Lightly's `SimCLRTransform`, in a few batched tensor operations
instead of a PIL pipeline per image, so that the processor is left to the training itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

_CROP_TRIES = 10  # as torchvision's RandomResizedCrop
_N_CROP_DRAWS, _N_COLOUR_DRAWS = 2 * _CROP_TRIES + 3, 6
_LUMA = (0.299, 0.587, 0.114)
_TO_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


@dataclass(frozen=True)
class ViewRecipe:
    """The random transformation that makes one view.

    Args:
        min_scale: smallest share of the image's area a crop keeps, in (0, 1]; 1 keeps all of it.
        hf_prob: probability of a horizontal flip, in [0, 1].
        cj_prob: probability of colour jitter, in [0, 1].
        cj_strength: multiplies the jitter ranges below, >= 0.
        cj_bright: brightness factor range 1 ± this.
        cj_contrast: contrast factor range 1 ± this.
        cj_sat: saturation factor range 1 ± this (colour images only).
        cj_hue: hue rotation range ± this share of a turn (colour images only).
        random_gray_scale: probability of dropping the colour, in [0, 1] (colour images only).
    """

    min_scale: float = 0.2
    hf_prob: float = 0.5
    cj_prob: float = 0.8
    cj_strength: float = 0.5
    cj_bright: float = 0.8
    cj_contrast: float = 0.8
    cj_sat: float = 0.8
    cj_hue: float = 0.2
    random_gray_scale: float = 0.2


def random_views(
    images: Tensor, recipe: ViewRecipe, generator: torch.Generator, *, ratio: float = 4 / 3
) -> Tensor:
    """Draw one view of every image.

    Args:
        images: uint8, shape (n, channels, size, size), channels 1 or 3.
        recipe: what to draw.
        generator: source of all randomness; must live on the images' device. On the CPU a view
            depends on the image's place alone, not on how the images are batched.
        ratio: crops have an aspect ratio between 1 / ratio and ratio.

    Returns:
        float32 in [0, 1], same shape as `images`.

    >>> flat = torch.full((2, 1, 8, 8), 51, dtype=torch.uint8)
    >>> same = ViewRecipe(cj_prob=0.0, random_gray_scale=0.0)
    >>> round(random_views(flat, same, torch.Generator().manual_seed(0)).mean().item(), 4)
    0.2
    """
    pixels = images.to(torch.float32).div_(255.0)
    # One row an image: drawing column by column would make a view depend on the batch's size.
    shape = (len(images), _N_CROP_DRAWS + _N_COLOUR_DRAWS)
    draws = torch.rand(shape, generator=generator, device=images.device)
    theta = _crop_and_flip(draws[:, :_N_CROP_DRAWS], recipe, ratio)
    grid = affine_grid(theta, list(pixels.shape), align_corners=False)
    views = grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return _jitter(views, recipe, draws[:, _N_CROP_DRAWS:])


def _between(draws: Tensor, low: float, high: float) -> Tensor:
    return draws * (high - low) + low


def _crop_and_flip(draws: Tensor, recipe: ViewRecipe, ratio: float) -> Tensor:
    """Affine maps (n, 2, 3) from view coordinates in [-1, 1] to image coordinates.

    As in torchvision, the first of ten crops that fits into the image, or else all of it.
    """
    area = _between(draws[:, :_CROP_TRIES], recipe.min_scale, 1.0)
    spread = math.log(ratio)
    log_ratio = _between(draws[:, _CROP_TRIES : 2 * _CROP_TRIES], -spread, spread)
    fits = log_ratio.abs() <= -area.log()
    first = fits.int().argmax(dim=1, keepdim=True)
    area = torch.where(fits.any(dim=1), area.gather(1, first)[:, 0], 1.0)
    log_ratio = torch.where(fits.any(dim=1), log_ratio.gather(1, first)[:, 0], 0.0)
    x, y, flipped = draws[:, 2 * _CROP_TRIES :].unbind(dim=1)
    width = (area * log_ratio.exp()).sqrt()
    height = (area / log_ratio.exp()).sqrt()
    theta = torch.zeros(len(draws), 2, 3, device=draws.device)
    theta[:, 0, 0] = width * torch.where(flipped < recipe.hf_prob, -1.0, 1.0)
    theta[:, 0, 2] = _between(x, -1.0, 1.0) * (1 - width)
    theta[:, 1, 1] = height
    theta[:, 1, 2] = _between(y, -1.0, 1.0) * (1 - height)
    return theta


def _jitter(views: Tensor, recipe: ViewRecipe, draws: Tensor) -> Tensor:
    """Brightness, saturation, hue, grey and contrast as one affine colour map per image."""
    n, channels = views.shape[:2]
    bright, contrasted, saturated, turned, greyed, jittered = draws.unbind(dim=1)
    applied = jittered < recipe.cj_prob

    def factor(drawn: Tensor, spread: float) -> Tensor:
        spread = spread * recipe.cj_strength
        return torch.where(applied, _between(drawn, max(0.0, 1 - spread), 1 + spread), 1.0)

    brightness = factor(bright, recipe.cj_bright).view(n, 1, 1, 1)
    contrast = factor(contrasted, recipe.cj_contrast).view(n, 1, 1, 1)
    if channels == 3:
        spread = recipe.cj_hue * recipe.cj_strength
        angle = _between(turned, -spread, spread) * (2 * math.pi) * applied
        grey = greyed < recipe.random_gray_scale
        chroma = torch.where(grey, 0.0, factor(saturated, recipe.cj_sat))
        views = _mix_colours(views, chroma, angle)
    views = views * brightness
    luma = views.mean(dim=(1, 2, 3)) if channels == 1 else _luma(views).mean(dim=(1, 2))
    mean = luma.view(n, 1, 1, 1)
    return ((views - mean) * contrast + mean).clamp_(0.0, 1.0)


def _mix_colours(views: Tensor, chroma: Tensor, angle: Tensor) -> Tensor:
    """Hue rotation and saturation: one 3x3 matrix per image in YIQ space."""
    to_yiq = torch.tensor(_TO_YIQ, device=views.device)
    turn = torch.zeros(len(views), 3, 3, device=views.device)
    turn[:, 0, 0] = 1.0
    turn[:, 1, 1] = turn[:, 2, 2] = chroma * angle.cos()
    turn[:, 1, 2] = -chroma * angle.sin()
    turn[:, 2, 1] = chroma * angle.sin()
    matrix = torch.linalg.inv(to_yiq) @ turn @ to_yiq
    return torch.einsum("nij,njhw->nihw", matrix, views)


def _luma(views: Tensor) -> Tensor:
    weights = torch.tensor(_LUMA, device=views.device).view(1, 3, 1, 1)
    return (views * weights).sum(dim=1)
