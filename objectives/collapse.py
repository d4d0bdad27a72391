"""Is a representation dead, and how: not finite, constant, shrunk, exploded, dimensional, unmoved.

Every centred measure reads near its maximum on a constant vector with a little noise, so whether
the representation is alive has to be asked separately, and first.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Literal

from objectives.embeddings import check_embeddings, count_not_finite
from objectives.errors import EmbeddingError
from objectives.moments import SecondMoments, Source, moments_of
from objectives.rankme import rankme

CollapseKind = Literal["not finite", "constant", "shrunk", "exploded", "dimensional", "unmoved"]


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
    def of(cls, embeddings: Source) -> EmbeddingStatistics:
        """Measure them.

        Args:
            embeddings: floating and finite, shape (n_samples, dim), n_samples >= 2, dim >= 1; or
                the `SecondMoments` of them.

        Raises:
            EmbeddingError: for another shape or values that are not finite.

        >>> import torch
        >>> EmbeddingStatistics.of(torch.eye(2)).total_variance
        0.5
        """
        moments = moments_of(embeddings)
        if moments.count < 2:
            raise EmbeddingError(
                f"embeddings: got {moments.count} sample(s); wanted at least 2: one sample has no "
                "spread."
            )
        norm = moments.mean_square_norm
        return cls(
            spread=moments.spread,
            total_variance=moments.total_variance,
            mean_square_norm=norm,
            rank=rankme(moments) if norm > 0 else 0.0,
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
        least_moved: "unmoved" below this distance from initialisation.
    """

    smallest_spread: float = 0.1
    smallest_variance_share: float = 0.2
    largest_growth: float = 100.0
    smallest_rank_share: float = 0.15
    smallest_rank: float = 2.0
    least_moved: float = 0.1


@dataclass(frozen=True)
class CollapseReport:
    """The verdict with its reason and evidence.

    Args:
        kind: which collapse, or None for a living representation.
        reason: one sentence with the figure and the threshold; empty when alive.
        evidence: the statistics, by name.
        thresholds: what they were held against.
    """

    kind: CollapseKind | None
    reason: str
    evidence: dict[str, float]
    thresholds: CollapseThresholds = field(default_factory=CollapseThresholds)

    @property
    def collapsed(self) -> bool:
        """Whether any kind of collapse was found."""
        return self.kind is not None


def collapse_report(
    embeddings: Source,
    *,
    reference: EmbeddingStatistics | None = None,
    moved: float | None = None,
    check_scale: bool = True,
    thresholds: CollapseThresholds | None = None,
) -> CollapseReport:
    """Judge whether embeddings are collapsed.

    Args:
        embeddings: floating, shape (n_samples, dim); backbone features or projector outputs. Or the
            `SecondMoments` of them, which refuse what is not finite by themselves.
        reference: statistics of the same images through the same layer of the untrained network.
            Without it only "not finite", "constant" and a rank of next to nothing can be seen, and
            so with a statistic of it that is 0: there is nothing to compare with.
        moved: `distance_from_initialisation` of the backbone, if known. Every measure of rank looks
            its best on a network that never learned.
        check_scale: whether shrinking means anything; False for a layer whose scale the loss
            cannot see (its output is normalised inside the loss).
        thresholds: where each kind begins.

    Returns:
        The report. The kinds are tested in the order not finite, constant, exploded, shrunk,
        dimensional, unmoved, and the first that holds is given.

    Raises:
        EmbeddingError: for fewer than 2 samples, a wrong shape or dtype, or squares beyond float64.

    Source:
        spread: Chen & He 2021 (arXiv 2011.10566), section 4.1; rank: Garrido et al. 2023
        (arXiv 2210.02885), equations 1 and 2; kinds: Jing et al. 2022 (arXiv 2110.09348).

    >>> import torch
    >>> noise = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    >>> collapse_report(noise).kind is None
    True
    >>> collapse_report(torch.full((1, 8), 5.0) + 1e-3 * noise).kind
    'constant'
    """
    limits = thresholds or CollapseThresholds()
    if not isinstance(embeddings, SecondMoments):
        embeddings = check_embeddings(embeddings, finite=False)
        if bad := count_not_finite(embeddings):
            reason = f"{bad} of {len(embeddings)} embeddings hold values that are not finite"
            return CollapseReport("not finite", reason, {"n_not_finite": float(bad)}, limits)
    found = EmbeddingStatistics.of(embeddings)
    evidence = asdict(found)
    kind, reason = _verdict(found, reference, check_scale, limits)
    if moved is not None:
        evidence["moved"] = moved
        # nan too: a distance that could not be taken is no evidence of having learned.
        if kind is None and not moved >= limits.least_moved:
            kind = "unmoved"
            reason = (
                f"{moved:.3g} away from its initialisation (1 - CKA), less than "
                f"{limits.least_moved:g}: it has not learned"
            )
    return CollapseReport(kind, reason, evidence, limits)


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
