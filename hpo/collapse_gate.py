"""Whether features are dead, also for learners whose features share a large offset."""

from __future__ import annotations

from torch import Tensor

from objectives import CollapseReport, CollapseThresholds, EmbeddingStatistics, collapse_report

# An offset leaves little spread and a rank of next to 1 in what is alive, but not nothing.
_ABOUT_AN_OFFSET = CollapseThresholds(smallest_spread=0.005, smallest_rank=0.0)


def about_mean(features: Tensor, mean: Tensor | None) -> Tensor:
    """Return features about a mean; as they are where there is none.

    Args:
        features: float (..., dim).
        mean: float (dim,); None for methods with a projector.
    """
    return features if mean is None else features - mean


def features_report(
    features: Tensor, *, reference: EmbeddingStatistics | None, mean: Tensor | None
) -> CollapseReport:
    """Judge features.

    Masked methods have no projector, and nothing in their loss asks for features round the
    origin: in living ones the images differ by a few per cent of what they all share. Taken
    about their mean they are judged like others, and only if next to nothing is left beside
    the offset are they constant.

    Args:
        features: float (n, dim).
        reference: of the untrained network's features, likewise about their mean; None when
            nobody measured them.
        mean: theirs, for a learner without projector; None otherwise.

    Returns:
        The report. Scale is never held against features: a projector or a norm lies between
        them and the loss.
    """
    if mean is not None:
        whole = collapse_report(features, check_scale=False, thresholds=_ABOUT_AN_OFFSET)
        if whole.collapsed:
            return whole
    return collapse_report(about_mean(features, mean), reference=reference, check_scale=False)
