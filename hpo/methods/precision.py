"""Losses that need all 32 bits, under mixed precision too."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from hpo.methods.criteria import Criterion


class InFloat32(Criterion):
    """A criterion in single precision, whatever the networks run in.

    Decompositions of matrices do not exist for bfloat16, and a running mean in it stands still:
    its numbers are 0.4 % apart, so a change by less than 0.2 % is rounded away.

    Args:
        criterion: over the lists of online outputs and targets.
    """

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return the criterion of the outputs as float32."""
        with torch.autocast(online[0].device.type, enabled=False):
            loss = self.criterion([q.float() for q in online], [k.float() for k in target])
        return cast(Tensor, loss)
