"""How a loss reads the outputs of the views: a few adapters that cover Lightly's criteria."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class Criterion(nn.Module):
    """A loss over the lists of online outputs q and targets k, one tensor (n, dim) per view.

    Args:
        criterion: the loss itself, kept as a submodule so that its buffers move and are saved.
    """

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.criterion = criterion


class Pair(Criterion):
    """Loss between the two online outputs: SimCLR, Barlow Twins, VICReg."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion(q_0, q_1)."""
        return cast(Tensor, self.criterion(online[0], online[1]))


class Cross(Criterion):
    """Mean loss of every online output against the targets of the other views: BYOL."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return the mean of criterion(q_i, k_j) over i != j."""
        terms = [
            self.criterion(q, k)
            for i, q in enumerate(online)
            for j, k in enumerate(target)
            if i != j
        ]
        return torch.stack(terms).mean()


class OneWay(Criterion):
    """Loss of the first online output against the second view's target: MoCo v2, TiCo."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion(q_0, k_1); of a `one_way` method no other was computed."""
        return cast(Tensor, self.criterion(online[0], target[-1]))


class Listed(Criterion):
    """Loss over the list of all online outputs: FroSSL."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion([q_0, q_1, ...])."""
        return cast(Tensor, self.criterion(online))
