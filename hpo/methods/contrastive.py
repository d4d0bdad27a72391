"""Contrastive methods: other images of the batch push apart."""

from __future__ import annotations

from hpo.methods.shape import Method, Pair


def simclr(dim: int, *, temperature: float = 0.2) -> Method:
    """SimCLR (Chen et al. 2020, arXiv 2002.05709): NT-Xent between two views.

    Args:
        dim: width of the backbone's features.
        temperature: of the softmax, > 0; smaller pushes hard negatives more.
    """
    from lightly.loss import NTXentLoss
    from lightly.models.modules.heads import SimCLRProjectionHead

    return Method(SimCLRProjectionHead(dim, dim, 128), Pair(NTXentLoss(temperature)))
