"""How widely the directions of embeddings spread, whatever their lengths."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROWS_AT_ONCE = 256
"""So few that the passes over them stay in the processor's cache."""


class Directions:
    """Mean and squared deviation of L2-normalised rows, batch by batch, in O(dim) memory.

        u = z / ‖z‖ (0 for z = 0),   spread = √dim · mean over dimensions of std(u)

    Merged as in `SecondMoments`, so that a tiny spread about a long mean keeps its digits.

    Attributes:
        count: Rows seen.

    Examples:
        >>> directions = Directions(2, torch.device("cpu"))
        >>> rows = torch.tensor([[3.0, 0.0], [-0.5, 0.0], [0.0, 2.0], [0.0, -1.0]])
        >>> total = directions.update(rows)
        >>> round(directions.spread, 6)
        1.0
    """

    def __init__(self, dim: int, device: torch.device) -> None:
        self.count = 0
        self.mean = torch.zeros(dim, dtype=torch.float64, device=device)
        self.deviation = torch.zeros_like(self.mean)

    def update(self, rows: Tensor) -> Tensor:
        """Add rows, shape (n_rows, dim), floating and finite; not changed.

        Returns:
            The sum of the rows, float64, shape (dim,): one pass over them serves both.
        """
        # One buffer for all chunks: a new one for each would leave the heap full of holes.
        shape = (min(ROWS_AT_ONCE, len(rows)), rows.shape[1])
        buffer = torch.empty(shape, dtype=torch.float64, device=self.mean.device)
        total = torch.zeros_like(self.mean)
        for chunk in torch.split(rows, ROWS_AT_ONCE):
            unit = buffer[: len(chunk)].copy_(chunk)
            total += unit.sum(dim=0)
            lengths = torch.linalg.vector_norm(unit, dim=1, keepdim=True)
            unit /= torch.where(lengths > 0, lengths, 1.0)
            mean = unit.mean(dim=0)
            deviation = torch.linalg.vector_norm(unit.sub_(mean), dim=0).square_()
            self.absorb(len(chunk), mean, deviation)
        return total

    def absorb(self, count: int, mean: Tensor, deviation: Tensor) -> None:
        """Add what another accumulator has seen."""
        total = self.count + count
        shift = mean.to(self.mean) - self.mean
        self.deviation = (
            self.deviation
            + deviation.to(self.deviation)
            + shift.square() * (self.count * count / total)
        )
        self.mean = self.mean + shift * (count / total)
        self.count = total

    @property
    def spread(self) -> float:
        """Standard deviation over rows, averaged over dimensions, times √dim: 0 to 1."""
        deviation = (self.deviation / self.count).sqrt().mean()
        return float(deviation) * math.sqrt(self.mean.numel())
