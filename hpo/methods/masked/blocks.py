"""I-JEPA's blocks of patches: what is to be predicted, and what it is predicted from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_TRIES = 10
_ASPECT = (0.75, 1.5)


@dataclass(frozen=True)
class Blocks:
    """Patches of a batch of images, counted row by row from 0.

    Args:
        context: int64 (n, k), those that are seen.
        targets: int64 (n, n_targets, m), those of each block to predict; none of them is seen.
    """

    context: Tensor
    targets: Tensor


def draw_blocks(
    n_images: int, side: int, *, n_targets: int, target_scale: float, context_scale: float
) -> Blocks:
    """Draw target blocks for every image, and a context block without their patches.

    As in the paper (arXiv 2301.08243, section 3), all blocks of a batch have the same size and the
    target's aspect ratio is drawn once a batch, from 0.75 to 1.5; places are drawn for each image,
    and targets may overlap. Contexts of a batch are cut to the smallest one; here the patches left
    out are drawn, where the authors' code leaves out the bottom rows. Where the targets leave less
    than a sixteenth of the patches, an image is drawn again, and in the end gets all its targets
    at one place and the rest of the image as context: that matters for small grids only. Draws
    come from torch's global generator, on the CPU, so that no device changes them.

    Args:
        n_images: how many.
        side: patches a side, at least 4.
        n_targets: target blocks an image, at least 1.
        target_scale: share of the patches in a target block, in (0, 0.5].
        context_scale: share of the patches in the context block, in (0, 1].

    >>> blocks = draw_blocks(2, 8, n_targets=4, target_scale=0.2, context_scale=0.9)
    >>> blocks.targets.shape[:2]
    torch.Size([2, 4])
    """
    aspect = _ASPECT[0] + (_ASPECT[1] - _ASPECT[0]) * torch.rand(()).item()
    size = _size(side, target_scale, aspect)
    seen_size = _size(side, context_scale, 1.0)
    targets = _place(n_images, n_targets, side, size)
    context = _place(n_images, 1, side, seen_size)
    for _ in range(_TRIES):
        short = _too_little(context, targets)
        targets[short] = _place(int(short.sum()), n_targets, side, size)
        context[short] = _place(int(short.sum()), 1, side, seen_size)
    short = _too_little(context, targets)
    targets[short] = targets[short, :1].expand(-1, n_targets, -1)
    context[short] = True
    seen = context[:, 0] & ~targets.any(1)
    n_seen = int(seen.sum(1).min())
    drawn = torch.rand(seen.shape).masked_fill(~seen, -1.0).topk(n_seen).indices
    placed = targets.nonzero()[:, 2].view(n_images, n_targets, -1)
    return Blocks(drawn.sort(1).values, placed)


def _size(side: int, scale: float, aspect: float) -> tuple[int, int]:
    """Rows and columns of a block that holds about a share of the patches."""
    patches = scale * side * side
    rows, columns = round((patches * aspect) ** 0.5), round((patches / aspect) ** 0.5)
    return min(side, max(1, rows)), min(side, max(1, columns))


def _place(n_images: int, n_blocks: int, side: int, size: tuple[int, int]) -> Tensor:
    """Blocks of one size at random places: bool (n_images, n_blocks, side * side)."""
    line = torch.arange(side)
    inside = []
    for length in size:
        first = torch.randint(0, side - length + 1, (n_images, n_blocks, 1))
        inside.append((line >= first) & (line < first + length))
    rows, columns = inside
    return (rows[..., :, None] & columns[..., None, :]).flatten(2)


def _too_little(context: Tensor, targets: Tensor) -> Tensor:
    """Images whose context is too small to tell anything from: bool (n,)."""
    left = (context[:, 0] & ~targets.any(1)).sum(1)
    return left < targets.shape[2] // 16
