"""Is a representation dead, and how: not finite, constant, shrunk, exploded or dimensional.

Every centred measure reads near its maximum on a constant vector with a little noise, so whether
the representation is alive has to be asked separately, and first.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor

from objectives.errors import EmbeddingError
from objectives.rankme import rankme

CollapseKind = Literal["not finite", "constant", "shrunk", "exploded", "dimensional"]


@dataclass(frozen=True)
class EmbeddingStatistics:
    """What the collapse verdict rests on.

    Args:
        spread: standard deviation of the L2-normalised embeddings, averaged over dimensions, times
            sqrt(dim). 0 for a point, 1 for an isotropic cloud.
        total_variance: trace of the centred covariance, in squared embedding units.
        mean_square_norm: mean of the squared norm.
        rank: RankMe, in [1, min(n_samples, dim)]; 0 where it is undefined (all zero).
    """

    spread: float
    total_variance: float
    mean_square_norm: float
    rank: float

    @classmethod
    def of(cls, embeddings: Tensor) -> EmbeddingStatistics:
        """Measure them.

        Args:
            embeddings: floating and finite, shape (n_samples, dim), n_samples >= 2, dim >= 1.

        Raises:
            EmbeddingError: for another shape or values that are not finite.

        >>> EmbeddingStatistics.of(torch.eye(2)).total_variance
        0.5
        """
        if embeddings.ndim != 2 or len(embeddings) < 2 or not embeddings.shape[1]:
            raise EmbeddingError(
                f"embeddings: got shape {tuple(embeddings.shape)}; wanted (n_samples, dim) with at "
                "least 2 samples and 1 dimension."
            )
        if not torch.isfinite(embeddings).all():
            raise EmbeddingError("embeddings: hold values that are not finite.")
        values = embeddings.detach().to("cpu", torch.float64)
        unit = torch.nn.functional.normalize(values, dim=1)
        spread = unit.std(dim=0, unbiased=False).mean() * values.shape[1] ** 0.5
        norm = values.pow(2).sum(dim=1).mean().item()
        return cls(
            spread=spread.item(),
            total_variance=values.var(dim=0, unbiased=False).sum().item(),
            mean_square_norm=norm,
            rank=rankme(values) if norm > 0 else 0.0,
        )


@dataclass(frozen=True)
class CollapseThresholds:
    """Where each kind of collapse begins.

    Args:
        smallest_spread: "constant" at or below it (1 = isotropic).
        smallest_variance_share: "shrunk" at or below this share of the untrained network's total
            variance. Only meaningful where the loss can see the scale: see `check_scale`.
        largest_growth: "exploded" at or above this multiple of the untrained network's mean
            squared norm.
        smallest_rank_share: "dimensional" at or below this share of the untrained rank.
        smallest_rank: "dimensional" at or below this rank, whatever the reference.
    """

    smallest_spread: float = 0.1
    smallest_variance_share: float = 0.2
    largest_growth: float = 100.0
    smallest_rank_share: float = 0.15
    smallest_rank: float = 2.0


@dataclass(frozen=True)
class CollapseReport:
    """The verdict with its reason and evidence.

    Args:
        kind: which collapse, or None for a living representation.
        reason: one sentence with the figure and the threshold; empty when alive.
        evidence: the statistics, by name.
    """

    kind: CollapseKind | None
    reason: str
    evidence: dict[str, float]

    @property
    def collapsed(self) -> bool:
        """Whether any kind of collapse was found."""
        return self.kind is not None


def collapse_report(
    embeddings: Tensor,
    *,
    reference: EmbeddingStatistics | None = None,
    check_scale: bool = True,
    thresholds: CollapseThresholds | None = None,
) -> CollapseReport:
    """Judge whether embeddings are collapsed.

    Args:
        embeddings: floating, shape (n_samples, dim); backbone features or projector outputs.
        reference: statistics of the same images through the same layer of the untrained network.
            Without it only "not finite", "constant" and a rank of next to nothing can be seen, and
            so with a statistic of it that is 0: there is nothing to compare with.
        check_scale: whether shrinking means anything; False for a layer whose scale the loss
            cannot see (its output is normalised inside the loss).
        thresholds: where each kind begins.

    Returns:
        The report. The kinds are tested in the order not finite, constant, exploded, shrunk,
        dimensional, and the first that holds is given.

    Raises:
        EmbeddingError: for fewer than 2 samples or a wrong shape.

    Source:
        spread: Chen & He 2021 (arXiv 2011.10566), section 4.1; rank: Garrido et al. 2023
        (arXiv 2210.02885), equations 1 and 2; kinds: Jing et al. 2022 (arXiv 2110.09348).

    >>> noise = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    >>> collapse_report(noise).kind is None
    True
    >>> collapse_report(torch.full((1, 8), 5.0) + 1e-3 * noise).kind
    'constant'
    """
    if embeddings.ndim == 2 and not torch.isfinite(embeddings).all():
        bad = int((~torch.isfinite(embeddings)).any(dim=1).sum())
        return CollapseReport(
            "not finite",
            f"{bad} of {len(embeddings)} embeddings hold values that are not finite",
            {"n_not_finite": float(bad)},
        )
    found = EmbeddingStatistics.of(embeddings)
    limits = thresholds or CollapseThresholds()
    kind, reason = _verdict(found, reference, check_scale, limits)
    return CollapseReport(kind, reason, asdict(found))


def _verdict(
    found: EmbeddingStatistics,
    reference: EmbeddingStatistics | None,
    check_scale: bool,
    limits: CollapseThresholds,
) -> tuple[CollapseKind | None, str]:
    if found.spread <= limits.smallest_spread:
        return "constant", (
            f"the embeddings are all but equal: spread {found.spread:.3g}, "
            f"at most {limits.smallest_spread:g} (1 = isotropic)"
        )
    if reference is not None:
        growth = _ratio(found.mean_square_norm, reference.mean_square_norm)
        if growth >= limits.largest_growth:
            return "exploded", (
                f"the squared norm is {growth:.3g} times the untrained network's, "
                f"at least {limits.largest_growth:g}"
            )
        share = _ratio(found.total_variance, reference.total_variance)
        if check_scale and share <= limits.smallest_variance_share:
            return "shrunk", (
                f"the variance is {share:.3g} of the untrained network's, "
                f"at most {limits.smallest_variance_share:g}: the embeddings shrink to a point"
            )
        rank_share = _ratio(found.rank, reference.rank)
        if rank_share <= limits.smallest_rank_share:
            return "dimensional", (
                f"RankMe {found.rank:.3g} is {rank_share:.2g} of the untrained network's "
                f"{reference.rank:.3g}, at most {limits.smallest_rank_share:g}"
            )
    if found.rank <= limits.smallest_rank:
        return "dimensional", f"RankMe {found.rank:.3g}, at most {limits.smallest_rank:g}"
    return None, ""


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else math.nan


__all__ = [
    "CollapseKind",
    "CollapseReport",
    "CollapseThresholds",
    "EmbeddingStatistics",
    "collapse_report",
]
