"""Decorrelation methods: the features of a batch are kept apart, not its images."""

from __future__ import annotations

from hpo.methods.shape import Method, Pair


def barlow_twins(dim: int, *, lambda_param: float = 5e-3) -> Method:
    """Barlow Twins (Zbontar et al. 2021, arXiv 2103.03230): cross-correlation to identity.

    Args:
        dim: width of the backbone's features.
        lambda_param: weight of the off-diagonal (redundancy) term, >= 0.
    """
    from lightly.loss import BarlowTwinsLoss
    from lightly.models.modules.heads import BarlowTwinsProjectionHead

    head = BarlowTwinsProjectionHead(dim, projector_width(dim), projector_width(dim))
    return Method(head, Pair(BarlowTwinsLoss(lambda_param)))


def vicreg(dim: int, *, sim: float = 25.0, var: float = 25.0, cov: float = 1.0) -> Method:
    """VICReg (Bardes et al. 2022, arXiv 2105.04906): invariance, variance and covariance.

    Args:
        dim: width of the backbone's features.
        sim: weight of the invariance term, >= 0.
        var: weight of the variance term, >= 0; without it the embeddings shrink to a point.
        cov: weight of the covariance term, >= 0; without it they shrink to a line.
    """
    from lightly.loss import VICRegLoss
    from lightly.models.modules.heads import VICRegProjectionHead

    head = VICRegProjectionHead(dim, projector_width(dim), projector_width(dim), num_layers=2)
    loss = VICRegLoss(lambda_param=sim, mu_param=var, nu_param=cov)
    return Method(head, Pair(loss), loss_sees_scale=True)


def projector_width(dim: int) -> int:
    """Width of hidden and output layers: four times the features, at most the papers' 2048.

    It is fixed, not searched: every rank measure grows with it, so a search would simply widen it.

    >>> projector_width(128), projector_width(2048)
    (512, 2048)
    """
    return min(4 * dim, 2048)
