"""Self-distillation: a network predicts the output of a slowly moving copy of itself."""

from __future__ import annotations

from hpo.methods.shape import Cross, Method


def byol(dim: int, *, one_minus_momentum: float = 0.01) -> Method:
    """BYOL (Grill et al. 2020, arXiv 2006.07733): predict the momentum copy's projection.

    Args:
        dim: width of the backbone's features.
        one_minus_momentum: 1 minus the momentum coefficient at the start, in (0, 1]; searched in
            this form because its logarithm is what matters.
    """
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.modules.heads import BYOLPredictionHead, BYOLProjectionHead

    hidden, out = min(8 * dim, 4096), min(2 * dim, 256)
    return Method(
        projector=BYOLProjectionHead(dim, hidden, out),
        criterion=Cross(NegativeCosineSimilarity()),
        predictor=BYOLPredictionHead(out, hidden, out),
        target="ema",
        momentum=1.0 - one_minus_momentum,
    )
