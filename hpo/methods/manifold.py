"""MMCR: the views of one image close together, the images spread over many directions."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from hpo.methods.criteria import Criterion
from hpo.methods.ranges import check_count, check_share, check_switch, check_weight
from hpo.methods.shape import Method
from hpo.methods.widths import embedding_width, hidden_width


class ManifoldCapacity(nn.Module):
    """Minus the nuclear norm of the images' centroids, plus that of each image's views.

        loss = -‖C‖_* + λ / n · Σ_i ‖Z_i‖_*

    Z_i (views, dim) are the outputs for the views of image i, and C (n, dim) the images' means.
    It equals Lightly's `MMCRLoss`, which also computes singular vectors that nobody uses, in 8
    times the time for 128 dimensions and 25 times for 512.

    Args:
        lmda: λ, weight of the local term, >= 0; 0 leaves it out.
    """

    def __init__(self, lmda: float) -> None:
        super().__init__()
        self.lmda = lmda

    def forward(self, outputs: Tensor) -> Tensor:
        """Return the loss.

        Args:
            outputs: floating (n, views, dim).

        Returns:
            A scalar; on the unit sphere at least -√(n · min(n, dim)), lower is better.
        """
        loss: Tensor = -torch.linalg.svdvals(outputs.mean(dim=1)).sum()
        if self.lmda > 0:
            loss = loss + self.lmda * torch.linalg.svdvals(outputs).sum() / len(outputs)
        return loss


class OnSphere(Criterion):
    """Loss over all online and target outputs (n, 2 views, dim), each of length 1: MMCR.

    Without the normalisation, which Lightly leaves to its caller, longer outputs would be better
    outputs, and the loss would fall without end.
    """

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion of the stacked, normalised outputs."""
        outputs = torch.stack([*online, *target], dim=1)
        return cast(Tensor, self.criterion(normalize(outputs, dim=-1)))


def mmcr(
    dim: int,
    *,
    local_objective: str = "on",
    lmda: float = 5e-3,
    one_minus_momentum: float = 0.01,
    n_views: int = 8,
    projector_width: int | str = "auto",
) -> Method:
    """MMCR (Yerxa et al. 2023, arXiv 2303.03307): maximum manifold capacity.

    Args:
        dim: width of the backbone's features.
        local_objective: "on" or "off": whether each image's views are also pulled together by a
            term of their own.
        lmda: weight of that term, >= 0.
        one_minus_momentum: 1 minus the momentum coefficient at the start, in (0, 1].
        n_views: views of an image, at least 2.
        projector_width: width of z; "auto" for the features', at most the paper's 512.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.models.modules.heads import MMCRProjectionHead

    check_weight(lmda=lmda)
    check_share(one_minus_momentum=one_minus_momentum)
    check_count(2, n_views=n_views)
    weight = lmda if check_switch(local_objective=local_objective) else 0.0
    width = embedding_width(projector_width, auto=min(dim, 512))
    return Method(
        projector=MMCRProjectionHead(dim, hidden_width(dim), width),
        criterion=OnSphere(ManifoldCapacity(weight)),
        target="ema",
        momentum=1.0 - one_minus_momentum,
        n_global=n_views,
    )
