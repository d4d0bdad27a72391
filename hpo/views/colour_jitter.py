"""Colour jitter and grey: one affine map of the colours per image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hpo.views.recipe import ViewRecipe

N_COLOUR_DRAWS = 6
_TO_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


def jitter_colours(views: Tensor, recipe: ViewRecipe, draws: Tensor) -> Tensor:
    """Change brightness, contrast, saturation and hue, and drop the colour of some.

    The order is brightness, hue, saturation or grey, contrast. Each is affine in the colours, so
    all of them are one matrix and one offset per image, and the values are clamped once.

    Args:
        views: float32 in [0, 1], shape (n, channels, height, width), channels 1 or 3.
        recipe: probabilities and ranges.
        draws: uniform in [0, 1), shape (n, N_COLOUR_DRAWS).

    Returns:
        float32 in [0, 1], same shape, contiguous; a new tensor.
    """
    n, channels = views.shape[:2]
    bright, contrasted, saturated, turned, greyed, jittered = draws.unbind(dim=1)
    applied = jittered < recipe.cj_prob

    def factor(drawn: Tensor, spread: float) -> Tensor:
        spread = spread * recipe.cj_strength
        low = max(0.0, 1 - spread)
        return torch.where(applied, drawn * (1 + spread - low) + low, 1.0)

    brightness, contrast = factor(bright, recipe.cj_bright), factor(contrasted, recipe.cj_contrast)
    scale = (brightness * contrast).view(n, 1, 1)
    # Contrast turns about the mean light of the view after its brightness was changed.
    pivot = (brightness - brightness * contrast).view(n, 1, 1)
    pixels = views.reshape(n, channels, -1)
    means = pixels.mean(dim=2, keepdim=True)
    if channels == 1:
        mixed = torch.addcmul(means * pivot, pixels, scale)
    else:
        spread = recipe.cj_hue * recipe.cj_strength
        angle = (draws.new_tensor(2 * math.pi) * (turned * 2 - 1) * spread) * applied
        chroma = factor(saturated, recipe.cj_sat)
        chroma = torch.where(greyed < recipe.random_gray_scale, 0.0, chroma)
        # Hue and saturation leave the light as it is, so this is the mean after them too.
        light = (torch.tensor(_TO_YIQ[0], device=views.device).view(1, 3, 1) * means).sum(1)
        mixed = torch.bmm(_mixing(chroma, angle) * scale, pixels).add_(light.view(n, 1, 1) * pivot)
    return mixed.clamp_(0.0, 1.0).view(views.shape)


def _mixing(chroma: Tensor, angle: Tensor) -> Tensor:
    """Hue rotation and saturation: matrices (n, 3, 3) that turn and stretch the chroma of YIQ."""
    to_yiq = torch.tensor(_TO_YIQ)
    from_yiq = torch.linalg.inv(to_yiq)
    light = from_yiq[:, :1] @ to_yiq[:1]
    along = from_yiq[:, 1:] @ to_yiq[1:]
    across = from_yiq[:, 2:] @ to_yiq[1:2] - from_yiq[:, 1:2] @ to_yiq[2:]
    parts = torch.stack([light, along, across]).to(chroma.device)
    ones = torch.ones_like(chroma)
    amounts = torch.stack([ones, chroma * angle.cos(), chroma * angle.sin()], dim=1)
    return torch.einsum("nk,kij->nij", amounts, parts)
