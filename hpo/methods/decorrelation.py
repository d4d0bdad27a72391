"""Decorrelation methods: the features of a batch are kept apart, not its images."""

from __future__ import annotations

import torch

from hpo.methods.criteria import Listed, OneWay, Pair
from hpo.methods.ranges import check_share, check_weight
from hpo.methods.remembered import remembered
from hpo.methods.shape import Method
from hpo.methods.widths import embedding_width, hidden_width


def barlow_twins(
    dim: int, *, lambda_param: float = 5e-3, projector_width: int | str = "auto"
) -> Method:
    """Barlow Twins (Zbontar et al. 2021, arXiv 2103.03230): cross-correlation to identity.

    Args:
        dim: width of the backbone's features.
        lambda_param: weight of the off-diagonal (redundancy) term, >= 0.
        projector_width: width of z; "auto" for four times the features', at most 2048.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import BarlowTwinsLoss
    from lightly.models.modules.heads import BarlowTwinsProjectionHead

    check_weight(lambda_param=lambda_param)
    hidden = hidden_width(dim)
    head = BarlowTwinsProjectionHead(dim, hidden, embedding_width(projector_width, auto=hidden))
    return Method(head, Pair(BarlowTwinsLoss(lambda_param)))


def vicreg(
    dim: int,
    *,
    sim: float = 25.0,
    var: float = 25.0,
    cov: float = 1.0,
    projector_width: int | str = "auto",
) -> Method:
    """VICReg (Bardes et al. 2022, arXiv 2105.04906): invariance, variance and covariance.

    Args:
        dim: width of the backbone's features.
        sim: weight of the invariance term, >= 0.
        var: weight of the variance term, >= 0; without it the embeddings shrink to a point.
        cov: weight of the covariance term, >= 0; without it they shrink to a line.
        projector_width: width of z; "auto" for four times the features', at most 2048.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import VICRegLoss
    from lightly.models.modules.heads import VICRegProjectionHead

    check_weight(sim=sim, var=var, cov=cov)
    hidden = hidden_width(dim)
    width = embedding_width(projector_width, auto=hidden)
    head = VICRegProjectionHead(dim, hidden, width, num_layers=2)
    loss = VICRegLoss(lambda_param=sim, mu_param=var, nu_param=cov)
    return Method(head, Pair(loss), loss_sees_scale=True)


def frossl(dim: int, *, invariance: float = 1.0, projector_width: int | str = "auto") -> Method:
    """FroSSL (Skean et al. 2024, arXiv 2310.02903): entropy by the Frobenius norm.

    Args:
        dim: width of the backbone's features.
        invariance: weight of the views' agreement, >= 0; at 100 the embeddings shrink to a line.
        projector_width: width of z; "auto" for four times the features', at most 2048.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import FroSSLLoss
    from lightly.models.modules.heads import VICRegProjectionHead

    check_weight(invariance=invariance)
    hidden = hidden_width(dim)
    width = embedding_width(projector_width, auto=hidden)
    head = VICRegProjectionHead(dim, hidden, width, num_layers=2)
    return Method(head, Listed(FroSSLLoss(invariance)))


def tico(
    dim: int,
    *,
    rho: float = 8.0,
    one_minus_beta: float = 0.1,
    one_minus_momentum: float = 0.01,
    projector_width: int | str = "auto",
) -> Method:
    """TiCo (Zhu et al. 2022, arXiv 2206.10698): away from where earlier embeddings were.

    The covariance of earlier embeddings is part of a checkpoint.

    Args:
        dim: width of the backbone's features.
        rho: weight of the covariance term, >= 0; without it nothing keeps the embeddings apart.
        one_minus_beta: how much of the covariance a step takes from its own batch, in (0, 1].
        one_minus_momentum: 1 minus the momentum coefficient at the start, in (0, 1].
        projector_width: width of z; "auto" for twice the features', at most the paper's 256.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import TiCoLoss
    from lightly.models.modules.heads import TiCoProjectionHead

    check_weight(rho=rho)
    check_share(one_minus_beta=one_minus_beta, one_minus_momentum=one_minus_momentum)
    width = embedding_width(projector_width, auto=min(2 * dim, 256))
    loss = remembered(TiCoLoss(1.0 - one_minus_beta, rho), C=torch.zeros(width, width))
    return Method(
        projector=TiCoProjectionHead(dim, min(8 * dim, 4096), width),
        criterion=OneWay(loss),
        one_way=True,
        target="ema",
        momentum=1.0 - one_minus_momentum,
    )
