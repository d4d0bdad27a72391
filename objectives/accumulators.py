"""The measures as accumulators: fed batch by batch, merged over workers, read at any time."""

from __future__ import annotations

from typing import Self

import torch
import torch.distributed as dist

from objectives.accumulator import Accumulator, EmbeddingAccumulator
from objectives.alpha_req import AlphaFit, alpha_req
from objectives.collapse import (
    CollapseReport,
    CollapseThresholds,
    EmbeddingStatistics,
    collapse_report,
)
from objectives.distributed import gather, reduce_view_moments
from objectives.embeddings import ArrayLike, check_embeddings, count_not_finite
from objectives.lidar import lidar
from objectives.moments import SecondMoments
from objectives.rankme import rankme
from objectives.view_moments import ViewMoments


class RankMe(EmbeddingAccumulator[float]):
    """`rankme` batch by batch.

    Args:
        epsilon: See `rankme`.

    Examples:
        >>> accumulator = RankMe(epsilon=0.0)
        >>> accumulator.update(torch.tensor([[3.0, 0.0]]))
        >>> accumulator.update(torch.tensor([[0.0, 1.0]]))
        >>> round(accumulator.compute(), 6)
        1.754765
    """

    def __init__(self, *, epsilon: float = 1e-7) -> None:
        super().__init__(rankme, epsilon=epsilon)


class AlphaReQ(EmbeddingAccumulator[AlphaFit]):
    """`alpha_req` batch by batch.

    Args:
        first_rank: See `alpha_req`.
        last_rank: See `alpha_req`.
        refit: See `alpha_req`.

    Examples:
        >>> accumulator = AlphaReQ(first_rank=1, last_rank=8)
        >>> axes = torch.diag(torch.arange(1, 9, dtype=torch.float64) ** -0.5)
        >>> accumulator.update(axes)
        >>> accumulator.update(-axes)
        >>> round(accumulator.compute().alpha, 6)
        1.0
    """

    def __init__(self, *, first_rank: int = 4, last_rank: int = 100, refit: bool = False) -> None:
        super().__init__(alpha_req, first_rank=first_rank, last_rank=last_rank, refit=refit)


class Collapse(EmbeddingAccumulator[CollapseReport]):
    """`collapse_report` batch by batch.

    Values that are not finite are counted and reported, not refused: they are a kind of collapse.

    Args:
        reference: See `collapse_report`.
        moved: See `collapse_report`.
        check_scale: See `collapse_report`.
        thresholds: See `collapse_report`.

    Attributes:
        n_rows: Embeddings seen, finite or not.
        n_not_finite: How many of them hold values that are not finite.

    Examples:
        >>> accumulator = Collapse()
        >>> accumulator.update(torch.tensor([[1.0, 0.0], [float("nan"), 1.0]]))
        >>> accumulator.compute().reason
        '1 of 2 embeddings hold values that are not finite'
    """

    def __init__(
        self,
        *,
        reference: EmbeddingStatistics | None = None,
        moved: float | None = None,
        check_scale: bool = True,
        thresholds: CollapseThresholds | None = None,
    ) -> None:
        super().__init__(
            collapse_report,
            reference=reference,
            moved=moved,
            check_scale=check_scale,
            thresholds=thresholds or CollapseThresholds(),
        )

    def update(self, batch: ArrayLike) -> None:
        """Add embeddings, shape (n_samples, dim), floating, finite or not; not changed.

        Raises:
            EmbeddingError: See `check_embeddings`; or another dim than before.
        """
        rows = check_embeddings(batch, name="batch", finite=False)
        n_not_finite = count_not_finite(rows)
        if not n_not_finite:
            super().update(rows)
        self.n_rows += len(rows)
        self.n_not_finite += n_not_finite

    def compute(self) -> CollapseReport:
        """Judge all that was seen; see `collapse_report`.

        Raises:
            EmbeddingError: Fewer than 2 samples.
        """
        if not self.n_not_finite:
            return super().compute()
        return CollapseReport(
            "not finite",
            f"{self.n_not_finite} of {self.n_rows} embeddings hold values that are not finite",
            {"n_not_finite": float(self.n_not_finite)},
            self.options["thresholds"],
        )

    def reset(self) -> None:
        """Forget everything seen."""
        super().reset()
        self.n_rows = self.n_not_finite = 0

    def merge(self, other: Self) -> None:
        """Add what another accumulator has seen; see `Accumulator.merge`."""
        super().merge(other)
        self.n_rows += other.n_rows
        self.n_not_finite += other.n_not_finite

    def reduce(self, group: dist.ProcessGroup | None = None) -> Self:
        """Return what all processes together have seen; see `Accumulator.reduce`."""
        reduced = super().reduce(group)
        counts = gather((self.n_rows, self.n_not_finite), group)
        reduced.n_rows, reduced.n_not_finite = (sum(each) for each in zip(*counts, strict=True))
        return reduced

    def _reduced(self, group: dist.ProcessGroup | None) -> SecondMoments:
        if any(gather(self.n_not_finite, group)):
            return SecondMoments()  # the verdict is settled, and there may be no finite row at all
        return super()._reduced(group)

    def _seen(self) -> str:
        return f"{super()._seen()} ({self.n_not_finite} of {self.n_rows} not finite)"


class LiDAR(Accumulator[ViewMoments, float]):
    """`lidar` batch by batch.

    Args:
        n_views: Views of each image; needed for flat batches with ids only.
        delta: See `lidar`.
        relative_delta: See `lidar`.
        epsilon: See `lidar`.

    Examples:
        >>> accumulator = LiDAR(n_views=2)
        >>> views = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [2.0, 1.0], [2.0, 3.0]])
        >>> accumulator.update(views[::2], image_ids=[0, 1])
        >>> accumulator.update(views[1::2], image_ids=[0, 1])
        >>> round(accumulator.compute(), 5)
        1.0
    """

    def __init__(
        self,
        *,
        n_views: int | None = None,
        delta: float = 1e-4,
        relative_delta: bool = False,
        epsilon: float = 1e-7,
    ) -> None:
        self.n_views = n_views
        super().__init__(lidar, delta=delta, relative_delta=relative_delta, epsilon=epsilon)

    def update(self, views: ArrayLike, image_ids: ArrayLike | list[int] | None = None) -> None:
        """Add views; see `ViewMoments.update`.

        Raises:
            EmbeddingError: See `ViewMoments.update`.
        """
        self.moments.update(views, image_ids)

    def _nothing_seen(self) -> ViewMoments:
        return ViewMoments(self.n_views)

    def _example(self) -> ViewMoments:
        moments = ViewMoments()
        moments.update(torch.tensor([[[-1.0], [1.0]], [[2.0], [5.0]]]))
        return moments

    def _reduced(self, group: dist.ProcessGroup | None) -> ViewMoments:
        return reduce_view_moments(self.moments, group)

    def _seen(self) -> str:
        return f"{self.moments.n_images} images of {self.moments.n_views} views"
