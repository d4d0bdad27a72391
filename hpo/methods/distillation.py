"""Self-distillation: a network predicts its own output for another view of the image."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from hpo.methods.criteria import Criterion, Cross
from hpo.methods.ranges import check_count, check_share
from hpo.methods.shape import Method
from hpo.methods.widths import embedding_width, hidden_width


class MeanOfOthers(Criterion):
    """Mean loss of every online output against the mean target of the other views: FastSiam."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return the mean over i of criterion(q_i, mean of k_j over j != i)."""
        terms = []
        for i, q in enumerate(online):
            others = [k for j, k in enumerate(target) if j != i]
            terms.append(cast(Tensor, self.criterion(q, torch.stack(others).mean(dim=0))))
        return torch.stack(terms).mean()


def byol(
    dim: int, *, one_minus_momentum: float = 0.01, projector_width: int | str = "auto"
) -> Method:
    """BYOL (Grill et al. 2020, arXiv 2006.07733): predict the momentum copy's projection.

    Args:
        dim: width of the backbone's features.
        one_minus_momentum: 1 minus the momentum coefficient at the start, in (0, 1]; searched in
            this form because its logarithm is what matters.
        projector_width: width of z; "auto" for twice the features', at most the paper's 256.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.modules.heads import BYOLPredictionHead, BYOLProjectionHead

    check_share(one_minus_momentum=one_minus_momentum)
    hidden, out = min(8 * dim, 4096), embedding_width(projector_width, auto=min(2 * dim, 256))
    return Method(
        projector=BYOLProjectionHead(dim, hidden, out),
        criterion=Cross(NegativeCosineSimilarity()),
        predictor=BYOLPredictionHead(out, hidden, out),
        target="ema",
        momentum=1.0 - one_minus_momentum,
    )


def simsiam(
    dim: int, *, bottleneck_share: float = 0.25, projector_width: int | str = "auto"
) -> Method:
    """SimSiam (Chen and He 2021, arXiv 2011.10566): predict the other view, without gradient.

    Args:
        dim: width of the backbone's features.
        bottleneck_share: width of the predictor's hidden layer as a share of z's, in (0, 1]; a
            quarter in the paper.
        projector_width: width of z; "auto" for four times the features', at most the paper's 2048.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import NegativeCosineSimilarity

    return _siamese(dim, bottleneck_share, projector_width, Cross(NegativeCosineSimilarity()))


def fastsiam(
    dim: int,
    *,
    bottleneck_share: float = 0.25,
    n_views: int = 4,
    projector_width: int | str = "auto",
) -> Method:
    """FastSiam (Pototzky et al. 2022): SimSiam against the mean output of several other views.

    With two views it is SimSiam.

    Args:
        dim: width of the backbone's features.
        bottleneck_share: as for `simsiam`.
        n_views: views of an image, at least 2; 4 in the paper.
        projector_width: as for `simsiam`.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import NegativeCosineSimilarity

    check_count(2, n_views=n_views)
    criterion = MeanOfOthers(NegativeCosineSimilarity())
    method = _siamese(dim, bottleneck_share, projector_width, criterion)
    method.n_global = n_views
    return method


def _siamese(
    dim: int, bottleneck_share: float, projector_width: int | str, criterion: Criterion
) -> Method:
    from lightly.models.modules.heads import SimSiamPredictionHead, SimSiamProjectionHead

    check_share(bottleneck_share=bottleneck_share)
    hidden = hidden_width(dim)
    out = embedding_width(projector_width, auto=hidden)
    return Method(
        projector=SimSiamProjectionHead(dim, hidden, out),
        criterion=criterion,
        predictor=SimSiamPredictionHead(out, max(1, round(bottleneck_share * out)), out),
        target="stop-grad",
    )
