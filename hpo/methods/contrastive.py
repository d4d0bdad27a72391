"""Contrastive methods: other images of the batch push apart."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from torch import Tensor

from hpo.methods.criteria import Pair
from hpo.methods.ranges import check_mix, check_positive, check_share, check_weight
from hpo.methods.shape import Method
from hpo.methods.widths import embedding_width

if TYPE_CHECKING:
    from lightly.models.modules.heads import SimCLRProjectionHead


def simclr(dim: int, *, temperature: float = 0.2, projector_width: int | str = "auto") -> Method:
    """SimCLR (Chen et al. 2020, arXiv 2002.05709): NT-Xent between two views.

    Args:
        dim: width of the backbone's features.
        temperature: of the softmax, > 0; smaller pushes hard negatives more.
        projector_width: of z; "auto" is the paper's 128.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import NTXentLoss

    check_positive(temperature=temperature)
    return Method(simclr_head(dim, projector_width), Pair(NTXentLoss(temperature)))


def dcl(dim: int, *, temperature: float = 0.1, projector_width: int | str = "auto") -> Method:
    """Decoupled contrastive learning (Yeh et al. 2021, arXiv 2110.06848).

    NT-Xent without the positive pair in the denominator, so that small batches do as well.

    Args:
        dim: width of the backbone's features.
        temperature: of the softmax, > 0.
        projector_width: of z; "auto" is SimCLR's 128.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import DCLLoss

    check_positive(temperature=temperature)
    return Method(simclr_head(dim, projector_width), Pair(DCLLoss(temperature)))


def dclw(
    dim: int,
    *,
    temperature: float = 0.1,
    sigma: float = 0.5,
    projector_width: int | str = "auto",
) -> Method:
    """DCL with weighted positive pairs (Yeh et al. 2021, arXiv 2110.06848).

    Pairs that are still far apart count for more.

    Args:
        dim: width of the backbone's features.
        temperature: of the softmax, > 0.
        sigma: of the weights, > 0; they are all 1 when it is large.
        projector_width: of z; "auto" is SimCLR's 128.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import DCLWLoss

    check_positive(temperature=temperature, sigma=sigma)
    loss = DCLWLoss(temperature=temperature, sigma=sigma)
    return Method(simclr_head(dim, projector_width), WeightedPair(loss))


def macl(
    dim: int,
    *,
    temperature: float = 0.1,
    alpha: float = 0.5,
    projector_width: int | str = "auto",
) -> Method:
    """Model-aware contrastive learning (Huang et al. 2023, arXiv 2207.07874).

    The temperature grows with how well the views of an image agree already:
    tau * (1 + alpha * mean cosine of the positive pairs). Lightly has the loss only; the head is
    SimCLR's, as in the paper.

    Args:
        dim: width of the backbone's features.
        temperature: tau, > 0.
        alpha: how much the temperature moves, in [0, 1].
        projector_width: of z; "auto" is SimCLR's 128.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import MACLLoss

    check_positive(temperature=temperature)
    check_mix(alpha=alpha)
    loss = MACLLoss(temperature=temperature, alpha=alpha)
    return Method(simclr_head(dim, projector_width), Pair(loss))


def hypersphere(
    dim: int,
    *,
    lam: float = 1.0,
    t: float = 1.0,
    alpha: float = 2.0,
    projector_width: int | str = "auto",
) -> Method:
    """Alignment and uniformity on the hypersphere (Wang & Isola 2020, arXiv 2005.10242).

    The mean of |z_0 - z_1|^alpha, plus lam times the logarithm of the mean of exp(-t |z_i - z_j|^2)
    over the pairs of other images. Lightly has the loss only; the head is SimCLR's.

    Args:
        dim: width of the backbone's features.
        lam: weight of uniformity, >= 0; without it the embeddings shrink to few directions.
        t: of the uniformity's kernel, > 0; 2 in the paper, 1 in Lightly.
        alpha: power of the alignment, > 0.
        projector_width: of z; "auto" is SimCLR's 128.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss.hypersphere_loss import HypersphereLoss  # not exported by lightly.loss

    check_weight(lam=lam)
    check_positive(t=t, alpha=alpha)
    loss = HypersphereLoss(t=t, lam=lam, alpha=alpha)
    return Method(simclr_head(dim, projector_width), Pair(loss))


def directclr(dim: int, *, temperature: float = 0.1, loss_share: float = 0.2) -> Method:
    """DirectCLR (Jing et al. 2021, arXiv 2110.09348): NT-Xent on the first features, no head.

    There is no projector, hence no `projector_width`: embeddings and features are the same.

    Args:
        dim: width of the backbone's features.
        temperature: of the softmax, > 0.
        loss_share: share of the features that the loss sees, in (0, 1]; round(loss_share * dim)
            of them, and at least 2.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import DirectCLRLoss
    from torch import nn

    check_positive(temperature=temperature)
    check_share(loss_share=loss_share)
    loss_dim = max(2, round(loss_share * dim))
    return Method(nn.Identity(), Pair(DirectCLRLoss(loss_dim, temperature)))


def simclr_head(dim: int, projector_width: int | str) -> SimCLRProjectionHead:
    """Return SimCLR's projector: two layers, the hidden one as wide as the features."""
    from lightly.models.modules.heads import SimCLRProjectionHead

    return SimCLRProjectionHead(dim, dim, embedding_width(projector_width, auto=128))


class WeightedPair(Pair):
    """`Pair` for DCLW, whose weights are computed with a warning meant for its author."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion(q_0, q_1)."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "To copy construct from a tensor", UserWarning)
            return super().forward(online, target)
