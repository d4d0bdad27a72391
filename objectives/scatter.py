"""The scatter of rows about centres, summed in float64 a few rows at a time."""

import numpy as np
import torch
from torch import Tensor

from objectives.symmetric import add_gram

ROWS_AT_ONCE = 1024
"""Rows of one rank-k update. Smaller batches wait for each other: few rows cost as much as many."""


def mean_row(rows: Tensor) -> Tensor:
    """Mean of rows, shape (n, dim), summed in float64: shape (dim,).

    Examples:
        >>> mean_row(torch.tensor([[1.0, 5.0], [2.0, 5.0]])).tolist()
        [1.5, 5.0]
    """
    # In chunks through one buffer: torch would make a float64 copy of all rows first.
    at_once = ROWS_AT_ONCE // 4
    total = torch.zeros(rows.shape[1], dtype=torch.float64, device=rows.device)
    buffer = torch.empty(
        min(at_once, len(rows)), rows.shape[1], dtype=torch.float64, device=rows.device
    )
    for chunk in torch.split(rows, at_once):
        total += buffer[: len(chunk)].copy_(chunk).sum(dim=0)
    return total / len(rows)


def add_centred_gram(upper: Tensor, rows: Tensor, centre: Tensor) -> None:
    """Add Σ (z − centre)(z − centre)ᵀ over the rows to an upper triangle, in chunks, in place.

    Args:
        upper: Shape (dim, dim), float64; see `add_gram`.
        rows: Shape (n, dim) or (n, m, dim), floating, on the same device; not changed.
        centre: float64, shape (dim,), or (n, 1, dim) for one centre every m rows.

    Examples:
        >>> upper = torch.zeros(1, 1, dtype=torch.float64)
        >>> add_centred_gram(upper, torch.tensor([[1.0], [4.0]]), torch.tensor([2.0]).double())
        >>> upper.item()
        5.0
    """
    at_once = max(1, ROWS_AT_ONCE // rows[0, ..., 0].numel())
    shape = (min(at_once, len(rows)), *rows.shape[1:])
    buffer = torch.empty(shape, dtype=torch.float64, device=rows.device)
    for start in range(0, len(rows), at_once):
        chunk = rows[start : start + at_once]
        middle = centre if centre.ndim == 1 else centre[start : start + at_once]
        centred = buffer[: len(chunk)]
        if rows.device.type == "cpu" and rows.dtype != torch.bfloat16:
            # By numpy: torch's threads, still spinning, would halve the speed of the update.
            with np.errstate(all="ignore"):  # what overflows is told from the sums
                np.subtract(chunk.numpy(), middle.numpy(), out=centred.numpy())
        else:
            torch.sub(chunk, middle, out=centred)
        add_gram(upper, centred.flatten(end_dim=-2))
