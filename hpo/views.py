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

_LUMA = (0.299, 0.587, 0.114)
_TO_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


@dataclass(frozen=True)
class ViewRecipe:
    """The random transformation that makes one view.

    Args:
        min_scale: smallest share of the image's area a crop keeps, in (0, 1].
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
        generator: source of all randomness; must live on the images' device.
        ratio: crops have an aspect ratio between 1 / ratio and ratio.

    Returns:
        float32 in [0, 1], same shape as `images`.

    >>> flat = torch.full((2, 1, 8, 8), 51, dtype=torch.uint8)
    >>> same = ViewRecipe(cj_prob=0.0, random_gray_scale=0.0)
    >>> round(random_views(flat, same, torch.Generator().manual_seed(0)).mean().item(), 4)
    0.2
    """
    pixels = images.to(torch.float32).div_(255.0)
    theta = _crop_and_flip(len(images), recipe, generator, ratio, images.device)
    grid = affine_grid(theta, list(pixels.shape), align_corners=False)
    views = grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return _jitter(views, recipe, generator)


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator, device=generator.device) * (high - low) + low


def _crop_and_flip(
    n: int, recipe: ViewRecipe, generator: torch.Generator, ratio: float, device: torch.device
) -> Tensor:
    """Affine maps (n, 2, 3) from view coordinates in [-1, 1] to image coordinates."""
    area = _uniform(n, recipe.min_scale, 1.0, generator)
    log_ratio = _uniform(n, -math.log(ratio), math.log(ratio), generator)
    width = (area * log_ratio.exp()).sqrt().clamp(max=1.0)
    height = (area / log_ratio.exp()).sqrt().clamp(max=1.0)
    centre_x = _uniform(n, -1.0, 1.0, generator) * (1 - width)
    centre_y = _uniform(n, -1.0, 1.0, generator) * (1 - height)
    flip = torch.where(_uniform(n, 0.0, 1.0, generator) < recipe.hf_prob, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 0] = width * flip
    theta[:, 0, 2] = centre_x
    theta[:, 1, 1] = height
    theta[:, 1, 2] = centre_y
    return theta


def _jitter(views: Tensor, recipe: ViewRecipe, generator: torch.Generator) -> Tensor:
    """Brightness, saturation, hue, grey and contrast as one affine colour map per image."""
    n, channels = views.shape[:2]
    strength = recipe.cj_strength
    applied = _uniform(n, 0.0, 1.0, generator) < recipe.cj_prob

    def factor(spread: float) -> Tensor:
        low = max(0.0, 1 - spread * strength)
        drawn = _uniform(n, low, 1 + spread * strength, generator)
        return torch.where(applied, drawn, torch.ones_like(drawn))

    brightness, contrast = factor(recipe.cj_bright), factor(recipe.cj_contrast)
    if channels == 3:
        views = _mix_colours(views, recipe, factor(recipe.cj_sat), applied, generator)
    views = views * brightness.view(n, 1, 1, 1)
    luma = views.mean(dim=(1, 2, 3)) if channels == 1 else _luma(views).mean(dim=(1, 2))
    mean = luma.view(n, 1, 1, 1)
    return ((views - mean) * contrast.view(n, 1, 1, 1) + mean).clamp_(0.0, 1.0)


def _mix_colours(
    views: Tensor,
    recipe: ViewRecipe,
    saturation: Tensor,
    applied: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Hue rotation, saturation and grey: one 3x3 matrix per image in YIQ space."""
    n = len(views)
    spread = recipe.cj_hue * recipe.cj_strength
    angle = _uniform(n, -spread, spread, generator) * (2 * math.pi) * applied
    grey = _uniform(n, 0.0, 1.0, generator) < recipe.random_gray_scale
    chroma = torch.where(grey, torch.zeros_like(saturation), saturation)
    to_yiq = torch.tensor(_TO_YIQ, device=views.device)
    turn = torch.zeros(n, 3, 3, device=views.device)
    turn[:, 0, 0] = 1.0
    turn[:, 1, 1] = turn[:, 2, 2] = chroma * angle.cos()
    turn[:, 1, 2] = -chroma * angle.sin()
    turn[:, 2, 1] = chroma * angle.sin()
    matrix = torch.linalg.inv(to_yiq) @ turn @ to_yiq
    return torch.einsum("nij,njhw->nihw", matrix, views)


def _luma(views: Tensor) -> Tensor:
    weights = torch.tensor(_LUMA, device=views.device).view(1, 3, 1, 1)
    return (views * weights).sum(dim=1)
