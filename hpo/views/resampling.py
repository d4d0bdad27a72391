"""Pixels as weighted sums of pixels: one matrix along the rows and one along the columns."""

from __future__ import annotations

import torch
from torch import Tensor


def resample(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return rows · image · columnsᵀ for every image and channel.

    Crops and blurs are such products, because both treat the two directions of an image apart. Two
    batched matrix products are several times as fast as `grid_sample` or a grouped convolution on
    small images, and weights that span many pixels cost no more than weights that span two.

    Args:
        images: uint8 or float32, shape (n, channels, height, width).
        rows: float32, shape (n, new height, height).
        columns: float32, shape (n, new width, width).

    Returns:
        float32, shape (n, channels, new height, new width); not contiguous in memory.

    >>> image, average = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]]]]), torch.full((1, 1, 2), 0.5)
    >>> resample(image, average, average)
    tensor([[[[4.]]]])
    """
    n, channels, height, width = images.shape
    # Rows outermost: then both products read and write whole lines, with no copy between them.
    lines = rows.new_empty(n, height, channels, width).copy_(images.permute(0, 2, 1, 3))
    new_height, new_width = rows.shape[1], columns.shape[1]
    lines = torch.bmm(rows, lines.view(n, height, channels * width))
    lines = torch.bmm(lines.view(n, new_height * channels, width), columns.transpose(1, 2))
    return lines.view(n, new_height, channels, new_width).permute(0, 2, 1, 3)
