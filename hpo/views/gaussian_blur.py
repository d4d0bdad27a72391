"""Gaussian blur with a width of its own for every image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hpo.views.recipe import ViewRecipe
from hpo.views.resampling import resample

N_BLUR_DRAWS = 2


def blur_some(views: Tensor, recipe: ViewRecipe, draws: Tensor) -> Tensor:
    """Blur each view with the recipe's probability and a width drawn for it.

    Args:
        views: float32, shape (n, channels, height, width); may be written to.
        recipe: `gaussian_blur`, `min_sigma` and `max_sigma`.
        draws: uniform in [0, 1), shape (n, N_BLUR_DRAWS).

    Returns:
        float32, same shape.
    """
    if recipe.gaussian_blur == 0:
        return views
    chosen = draws[:, 0] < recipe.gaussian_blur
    sigma = draws[:, 1] * (recipe.max_sigma - recipe.min_sigma) + recipe.min_sigma
    if views.is_cuda:  # pragma: no GPU
        # To pick some, the host would have to wait for the device; a blur of width 0 is cheaper.
        return gaussian_blur(views, sigma * chosen, max_sigma=recipe.max_sigma)
    places = chosen.nonzero()[:, 0]
    views[places] = gaussian_blur(views[places], sigma[places], max_sigma=recipe.max_sigma)
    return views


def gaussian_blur(views: Tensor, sigma: Tensor, *, max_sigma: float) -> Tensor:
    """Blur each view with a Gaussian of its own; beyond the edge its last pixel goes on.

    The kernel is exp(-x² / 2σ²) at whole pixels, cut at 4 σ of the widest and made to sum to 1.
    Pillow's, which Lightly uses, approaches the same Gaussian by three box filters.

    Args:
        views: float32, shape (n, channels, height, width).
        sigma: width σ of each, in pixels, shape (n,), in [0, max_sigma]; 0 changes nothing.
        max_sigma: the largest width there may be, which decides where kernels are cut.

    Returns:
        float32, same shape.

    >>> line = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0]).expand(1, 1, 5, 5)
    >>> gaussian_blur(line, torch.tensor([1.0]), max_sigma=2.0)[0, 0, 0]
    tensor([0.0540, 0.2420, 0.3989, 0.2420, 0.0540])
    """
    reach = math.ceil(4 * max_sigma)
    height, width = views.shape[2:]
    distances = torch.arange(reach + 2, device=views.device)
    # A width of 0 would divide 0 by 0; this one leaves the next pixel a weight of exactly 0.
    half = (-0.5 * (distances / sigma.clamp(min=1e-3)[:, None]) ** 2).exp()
    half[:, -1] = 0.0
    rows = _weights(half, height)
    return resample(views, rows, rows if width == height else _weights(half, width))


def _weights(half: Tensor, size: int) -> Tensor:
    """Weights (n, size, size) along one direction, from those at each distance (n, reach + 2)."""
    reach = half.shape[1] - 2
    pixels = torch.arange(size, device=half.device)
    padded = torch.arange(-reach, size + reach, device=half.device)
    distances = (padded - pixels[:, None]).abs_().clamp_(max=reach + 1)
    before, inside, after = torch.split(half[:, distances], [reach, size, reach], dim=2)
    weights = inside.contiguous()
    weights[:, :, 0] += before.sum(dim=2)
    weights[:, :, -1] += after.sum(dim=2)
    weights /= weights.sum(dim=2, keepdim=True)
    return weights
