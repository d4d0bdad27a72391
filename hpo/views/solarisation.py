"""Solarisation: bright pixels inverted, as in an overexposed photograph."""

from __future__ import annotations

import torch
from torch import Tensor

_THRESHOLD = 128 / 255  # Pillow's and Lightly's


def solarise_some(views: Tensor, probability: float, draws: Tensor) -> Tensor:
    """Invert the pixels from 128/255 upwards, with a probability for each view.

    Args:
        views: float32 in [0, 1], shape (n, channels, height, width).
        probability: in [0, 1].
        draws: uniform in [0, 1), shape (n,).

    Returns:
        float32 in [0, 1], same shape.

    >>> solarise_some(torch.tensor([0.25, 0.75, 1.0]).view(1, 1, 1, 3), 1.0, torch.zeros(1))
    tensor([[[[0.2500, 0.2500, 0.0000]]]])
    """
    if probability == 0:
        return views
    bright = views >= _THRESHOLD
    return torch.where(bright & (draws < probability).view(-1, 1, 1, 1), 1 - views, views)
