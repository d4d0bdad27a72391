"""Objectives for a search that varies everything: gate first, then score.

A rank measure answers "of these converged runs of one recipe, which?". Optimised over learning
rate and width as well, it finds the networks that never learned. So the evidence of life is judged
first, and the rank is weighed with whether views find their image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from objectives.collapse import CollapseReport
from objectives.embeddings import ArrayLike, check_embeddings, check_views
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.lidar import lidar
from objectives.rankme import rankme
from objectives.retrieval import view_retrieval

# By benchmarks/tabular: of those that tie for the smallest regret on four of its cells, the one
# whose order of the trials is nearest that of their accuracies.
DEFAULT_OBJECTIVE = "guarded_alpha"


@dataclass(frozen=True)
class GateVerdict:
    """Whether a network may compete, and why not.

    Attributes:
        open: Whether it may.
        reasons: One sentence for each objection; empty exactly when open.

    Raises:
        InvalidArgumentError: Closed without a reason, or open with one.
    """

    open: bool
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.open == bool(self.reasons):
            raise InvalidArgumentError(
                f"reasons: got {self.reasons!r} with open={self.open}, wanted at least one reason "
                "for a closed gate and none for an open one."
            )


def gate(
    *,
    collapse: Sequence[CollapseReport] = (),
    moved: float | None = None,
    least_moved: float = 0.1,
) -> GateVerdict:
    """Judge from the evidence whether a network may compete.

    The gate closes on any collapse, and on a network that has not left its initialisation. It
    judges nothing that it is not given: without any evidence it is open.

    Args:
        collapse: Reports on any number of layers, such as backbone and projector.
        moved: `distance_from_initialisation`, in [0, 1]; nan where it was undefined, which closes
            the gate; None where nobody measured it.
        least_moved: The gate closes below it; in [0, 1].

    Returns:
        The verdict, with every objection.

    Raises:
        InvalidArgumentError: moved or least_moved is outside [0, 1].

    Examples:
        >>> gate(moved=0.5)
        GateVerdict(open=True, reasons=())
        >>> gate(moved=0.02).reasons[0]
        'moved 0.02 from initialisation, less than 0.1: next to nothing was learned'
    """
    _check_share(least_moved, "least_moved")
    reasons = [f"collapsed, {report.kind}: {report.reason}" for report in collapse if report.kind]
    if moved is not None and math.isnan(moved):
        reasons.append("moved is nan: the distance from initialisation is undefined")
    elif moved is not None:
        _check_share(moved, "moved")
        if moved < least_moved:
            reasons.append(
                f"moved {moved:.3g} from initialisation, less than {least_moved:g}: next to "
                "nothing was learned"
            )
    return GateVerdict(not reasons, tuple(reasons))


def guarded_rank_score(rank: float, retrieval: float) -> float:
    """Weigh RankMe with view retrieval, both already measured on the backbone.

        ln RankMe + ln retrieval

    Twice the rank is worth twice the retrieval, whatever the units of either.

    Args:
        rank: RankMe, at least 0 and finite, or nan.
        retrieval: View retrieval, in [0, 1], or nan.

    Returns:
        At most ln dim, about; higher is better. −inf where either is 0, nan where either is nan.

    Raises:
        InvalidArgumentError: A number is out of its range.

    Examples:
        >>> round(guarded_rank_score(20.0, 0.25), 6)
        1.609438
    """
    return log_product(rank, "rank", retrieval)


def guarded_lidar_score(lidar: float, retrieval: float) -> float:
    """Weigh LiDAR with view retrieval, both already measured on the backbone.

        ln LiDAR + ln retrieval

    Args:
        lidar: LiDAR, at least 0 and finite, or nan.
        retrieval: View retrieval, in [0, 1], or nan.

    Returns:
        At most ln dim, about; higher is better. −inf where either is 0, nan where either is nan.

    Raises:
        InvalidArgumentError: A number is out of its range.

    Examples:
        >>> round(guarded_lidar_score(8.0, 0.125), 6)
        0.0
    """
    return log_product(lidar, "lidar", retrieval)


def guarded_rank(
    embeddings: ArrayLike,
    views: ArrayLike,
    *,
    epsilon: float = 1e-7,
    verdict: GateVerdict | None = None,
) -> float:
    """Measure the rank of the backbone's features where views find their image.

        ln RankMe(embeddings) + ln retrieval(views)

    RankMe alone prefers networks near initialisation; there, few views find their image. It is a
    heuristic, not a theorem; the evidence is in `benchmarks/`.

    Args:
        embeddings: Shape (n_samples, dim), floating, any device: backbone features of images
            without augmentation. See `rankme`.
        views: Shape (n_images, n_views, dim), floating, any device: backbone features of fixed
            augmented views, of the same images or of fewer. See `view_retrieval`.
        epsilon: ε of RankMe, ε ≥ 0.
        verdict: From `gate`; None where nothing was judged.

    Returns:
        At most ln dim, about; higher is better. −inf behind a closed gate, whatever the inputs
        hold: worse than any finite score. −inf too where no view finds its image. Compare only over
        the same images, views and dim.

    Raises:
        EmbeddingError: Behind an open gate: see `rankme` and `view_retrieval`; or dim differs.
        InvalidArgumentError: ε is negative or not finite.

    References:
        RankMe: Garrido et al., ICML 2023, arXiv 2210.02885. The product with retrieval is ours.

    Examples:
        >>> import torch
        >>> clean = torch.eye(4) - 0.25
        >>> round(guarded_rank(clean, torch.stack([clean, clean], dim=1), epsilon=0.0), 6)
        1.098612
        >>> guarded_rank(clean, clean, verdict=gate(moved=0.0))
        -inf
    """
    if verdict is not None and not verdict.open:
        return -math.inf
    check_one_layer(embeddings, views)
    return guarded_rank_score(rankme(embeddings, epsilon=epsilon), view_retrieval(views))


def guarded_lidar(
    views: ArrayLike,
    *,
    delta: float = 1e-4,
    epsilon: float = 1e-7,
    verdict: GateVerdict | None = None,
) -> float:
    """Measure LiDAR of the backbone's features where views find their image.

        ln LiDAR(views) + ln retrieval(views)

    Args:
        views: Shape (n_images, n_views, dim), floating, any device: backbone features of fixed
            augmented views. See `lidar` for how many.
        delta: δ of LiDAR, δ ≥ 0, in squared embedding units.
        epsilon: ε of LiDAR, ε ≥ 0.
        verdict: From `gate`; None where nothing was judged.

    Returns:
        At most ln dim, about; higher is better. −inf behind a closed gate, whatever the views hold:
        worse than any finite score. −inf too where no view finds its image, and nan where all
        images have the same mean. Compare only over the same images, views and dim.

    Raises:
        EmbeddingError: Behind an open gate: see `lidar` and `view_retrieval`.
        InvalidArgumentError: δ or ε is negative or not finite.

    References:
        LiDAR: Thilak et al., ICLR 2024, arXiv 2312.04000. The product with retrieval is ours.

    Examples:
        >>> import torch
        >>> axes = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> noise = torch.tensor([[0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]])
        >>> round(guarded_lidar(axes[:, None] + noise[None], epsilon=0.0), 6)
        0.325083
    """
    if verdict is not None and not verdict.open:
        return -math.inf
    return guarded_lidar_score(lidar(views, delta=delta, epsilon=epsilon), view_retrieval(views))


def check_one_layer(embeddings: ArrayLike, views: ArrayLike) -> None:
    """Refuse features and views that cannot be of one layer.

    Args:
        embeddings: Shape (n_samples, dim).
        views: Shape (n_images, n_views, dim).

    Raises:
        EmbeddingError: See `check_embeddings` and `check_views`; or dim differs.
    """
    dims = check_embeddings(embeddings).shape[-1], check_views(views).shape[-1]
    if dims[0] != dims[1]:
        raise EmbeddingError(
            f"embeddings, views: got dim {dims[0]} and {dims[1]}, wanted the same: read both at "
            "the backbone."
        )


def log_product(value: float, name: str, retrieval: float) -> float:
    """Return ln value + ln retrieval, which every guarded score is.

    Args:
        value: of a measure, at least 0 and finite, or nan.
        name: of the argument, for the error.
        retrieval: View retrieval, in [0, 1], or nan.

    Raises:
        InvalidArgumentError: A number is out of its range.

    >>> log_product(1.0, "rank", 1.0)
    0.0
    """
    if not (math.isnan(value) or 0.0 <= value < math.inf):
        raise InvalidArgumentError(
            f"{name}: got {value!r}, wanted a finite number of at least 0, or nan; pass the "
            "measure itself, not its logarithm."
        )
    if not math.isnan(retrieval):
        _check_share(retrieval, "retrieval")
    if math.isnan(value) or math.isnan(retrieval):
        return math.nan
    if value == 0.0 or retrieval == 0.0:
        return -math.inf
    return math.log(value) + math.log(retrieval)


def _check_share(value: float, name: str) -> None:
    if not 0.0 <= value <= 1.0:
        raise InvalidArgumentError(
            f"{name}: got {value!r}, wanted a number between 0 and 1; pass the share itself, no "
            "percentage and no logarithm."
        )
