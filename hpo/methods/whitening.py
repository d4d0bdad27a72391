"""W-MSE: whitened embeddings cannot collapse, they can only fail to be whitened."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from hpo.errors import ConfigError
from hpo.methods.criteria import Criterion
from hpo.methods.ranges import check_count
from hpo.methods.shape import Method


class Concatenated(Criterion):
    """Loss over the online outputs of all views as one tensor (views * n, dim): W-MSE."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion of q_0 and q_1, one after the other."""
        return cast(Tensor, self.criterion(torch.cat(online)))


def wmse(dim: int, *, embedding_dim: int = 32, whitening_size: int = 128) -> Method:
    """W-MSE (Ermolov et al. 2021, arXiv 2007.06346): distance of whitened embeddings.

    Embeddings that fill fewer dimensions than they have cannot be whitened. Training takes that
    for divergence.

    Args:
        dim: width of the backbone's features.
        embedding_dim: width of z, at least 2; whitening makes every one of them count, so it is
            searched here and has no rule.
        whitening_size: images that are whitened together, at least twice `embedding_dim`; batches
            must be a multiple of it.

    Raises:
        ConfigError: for a value outside its range, or too few images to whiten.
    """
    from lightly.loss import WMSELoss
    from lightly.models.modules.heads import BYOLProjectionHead

    check_count(2, embedding_dim=embedding_dim, whitening_size=whitening_size)
    if whitening_size < 2 * embedding_dim:
        raise ConfigError(
            f"whitening_size: got {whitening_size} with embedding_dim {embedding_dim}; wanted at "
            f"least {2 * embedding_dim}, twice as many images as dimensions, or the covariance is "
            "mostly noise. Raise whitening_size or lower embedding_dim."
        )
    # The paper's head: one hidden layer of 1024 with BatchNorm.
    return Method(
        BYOLProjectionHead(dim, min(8 * dim, 1024), embedding_dim),
        Concatenated(WMSELoss(embedding_dim, w_size=whitening_size)),
        batch_multiple=whitening_size,
    )
