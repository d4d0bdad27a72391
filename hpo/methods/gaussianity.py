"""Methods that hold the embeddings of a batch to an isotropic Gaussian, seen from all sides."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from hpo.methods.criteria import Criterion
from hpo.methods.ranges import check_count, check_mix
from hpo.methods.shape import Method
from hpo.methods.widths import embedding_width, hidden_width


class Stacked(Criterion):
    """Loss over two stacks (views, n, dim), of the global and of the local views.

    The directions that these losses look from are drawn from torch's own generator, which
    `Training` seeds by the epoch, so that a resumed training draws the same ones.
    """

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion(global_proj=..., local_proj=...).

        Without local views the global ones stand for them: the losses want at least one, and all
        their terms are means over the views, which doubling does not change.
        """
        n_global = len(target)
        seen = torch.stack(online[:n_global])
        local = torch.stack(online[n_global:]) if len(online) > n_global else seen
        return cast(Tensor, self.criterion(global_proj=seen, local_proj=local))


def lejepa(
    dim: int,
    *,
    lambda_param: float = 0.05,
    n_local: int = 6,
    projector_width: int | str = "auto",
) -> Method:
    """LeJEPA (Balestriero and LeCun 2025, arXiv 2511.08544): invariance and Gaussian slices.

    Args:
        dim: width of the backbone's features.
        lambda_param: weight of the Gaussian term, in [0, 1]; invariance has the rest.
        n_local: small crops beside the two large ones, at least 0.
        projector_width: width of z; "auto" for Lightly's 64.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import LeJEPALoss
    from lightly.models.modules.heads import LeJEPAProjectionHead

    check_mix(lambda_param=lambda_param)
    check_count(0, n_local=n_local)
    width = embedding_width(projector_width, auto=64)
    return Method(
        LeJEPAProjectionHead(dim, hidden_width(dim), width),
        Stacked(LeJEPALoss(lambda_param)),
        n_local=n_local,
        loss_sees_scale=True,
    )


def visreg(
    dim: int,
    *,
    lambda_param: float = 0.9,
    n_global: int = 4,
    n_local: int = 6,
    projector_width: int | str = "auto",
) -> Method:
    """VISReg (Wu et al. 2026, arXiv 2606.02572): invariance, and scale, shape and centre apart.

    Args:
        dim: width of the backbone's features.
        lambda_param: weight of the regularisation, in [0, 1]; invariance has the rest.
        n_global: views of most of the image, at least 1 and 2 without local ones.
        n_local: small crops beside them, at least 0.
        projector_width: width of z; "auto" for twice the features', at most the paper's 256.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import VISRegLoss
    from lightly.models.modules.heads import ProjectionHead

    check_mix(lambda_param=lambda_param)
    check_count(0, n_local=n_local)
    check_count(1 if n_local else 2, n_global=n_global)
    hidden, width = hidden_width(dim), embedding_width(projector_width, auto=min(2 * dim, 256))
    head = ProjectionHead(
        [
            (dim, hidden, nn.BatchNorm1d(hidden), nn.GELU()),
            (hidden, hidden, nn.BatchNorm1d(hidden), nn.GELU()),
            (hidden, width, None, None),
        ]
    )
    return Method(
        head,
        Stacked(VISRegLoss(lambda_param)),
        n_global=n_global,
        n_local=n_local,
        loss_sees_scale=True,
    )
