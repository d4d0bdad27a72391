"""The measures as TorchMetrics metrics, for `self.log` in a Lightning module. Not imported by us.

    self.rankme = RankMeMetric()                 # in __init__
    self.rankme.update(embeddings)               # in validation_step
    self.log("rankme", self.rankme)

Importing this needs torchmetrics, which takes seconds to load; the accumulators do the same
without it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from objectives.accumulator import Accumulator, EmbeddingAccumulator
from objectives.accumulators import AlphaReQ, LiDAR, RankMe
from objectives.alpha_req import AlphaFit
from objectives.embeddings import ArrayLike, check_embeddings, check_views
from objectives.errors import EmbeddingError
from objectives.moments import SecondMoments
from objectives.packed import (
    header_of,
    pack_batch,
    pack_moments,
    unpack_moments,
    unpack_view_moments,
)
from objectives.scatter import ROWS_AT_ONCE
from objectives.view_moments import ViewMoments

try:
    from torchmetrics import Metric
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"objectives.metrics: got no package {missing.name!r}, wanted torchmetrics; install it "
        "with 'pip install torchmetrics', or use objectives.accumulators, which need it not.",
        name=missing.name,
    ) from missing


class _PackedMetric(Metric):
    """A metric whose state is moments, as flat parts that processes can exchange.

    The batches that came are kept as they are until they outweigh their moments, in O(dim²) memory
    therefore. TorchMetrics gathers the states of all processes: world size × dim² for a moment. For
    large worlds `Accumulator.reduce` needs no more than O(dim²).
    """

    is_differentiable = False
    full_state_update = False

    parts: list[Tensor] | Tensor

    def __init__(self, accumulator: Accumulator[Any, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.accumulator = accumulator
        self.add_state("parts", [], dist_reduce_fx="cat")

    @property
    def dtype(self) -> torch.dtype:
        """Always float64: also of what a process sends that saw nothing."""
        return torch.float64

    def compute(self) -> Tensor:
        """Value over all that was seen, by all processes; float64, shape ().

        Raises:
            EmbeddingError: Nothing was seen; or see the measure.
        """
        vector = self._vector()
        value = self._number(self.accumulator.of(self._unpack(vector)))
        return torch.tensor(value, dtype=torch.float64, device=vector.device)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch and return its own value."""
        value = super().forward(*args, **kwargs)
        self._sum_up()
        return value

    def _number(self, value: Any) -> float:
        return float(value)

    @abstractmethod
    def _unpack(self, vector: Tensor) -> SecondMoments | ViewMoments: ...

    def _add(self, batch: Tensor) -> None:
        part = pack_batch(batch).to(_holding(self.device))
        if len(self.parts):
            known, new = header_of(self.parts[0]), header_of(part)
            if (known.dim, known.n_views) != (new.dim, new.n_views):
                raise EmbeddingError(
                    f"batch: got shape {tuple(batch.shape)}, wanted dim {known.dim}"
                    + (f" and {known.n_views} views" if known.n_views else "")
                    + " as in the batches before; use one metric per layer."
                )
        self.parts = [*self.parts, part]
        self._sum_up()

    def _sum_up(self) -> None:
        dim = header_of(self.parts[0]).dim
        largest_summary = (2 * dim + 4) * dim
        if sum(map(len, self.parts)) >= largest_summary + max(ROWS_AT_ONCE, dim) * dim:
            self.parts = [pack_moments(self._unpack(self._vector()))]

    def _vector(self) -> Tensor:
        if isinstance(self.parts, Tensor):
            return self.parts  # as it is once the processes have exchanged theirs
        device = _holding(self.device)
        nothing = torch.zeros(0, dtype=torch.float64, device=device)
        return torch.cat([nothing, *(part.to(device) for part in self.parts)])

    def _apply(
        self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = ""
    ) -> _PackedMetric:
        """Follow the module to another device, but never to another dtype."""
        super()._apply(fn, exclude_state=[*exclude_state, "parts"])
        device = _holding(self.device)
        if isinstance(self.parts, Tensor):
            self.parts = self.parts.to(device)
        else:
            self.parts = [part.to(device) for part in self.parts]
        return self


class EmbeddingMetric(_PackedMetric):
    """Any measure of embeddings as a metric.

    Args:
        accumulator: The measure with its options; only these are taken from it.
        kwargs: TorchMetrics' own, such as `process_group`.

    Examples:
        >>> metric = EmbeddingMetric(RankMe(epsilon=0.0))
        >>> metric.update(torch.tensor([[3.0, 0.0]]))
        >>> metric.update(torch.tensor([[0.0, 1.0]]))
        >>> round(metric.compute().item(), 6)
        1.754765
    """

    def __init__(self, accumulator: EmbeddingAccumulator[Any], **kwargs: Any) -> None:
        super().__init__(accumulator, **kwargs)

    def update(self, embeddings: ArrayLike) -> None:
        """Add embeddings, shape (n_samples, dim), floating; not changed.

        Raises:
            EmbeddingError: See `check_embeddings`; or another dim than before.
        """
        self._add(check_embeddings(embeddings))

    def _unpack(self, vector: Tensor) -> SecondMoments:
        return unpack_moments(vector)


class RankMeMetric(EmbeddingMetric):
    """`rankme` as a metric.

    Args:
        epsilon: See `rankme`.
        kwargs: TorchMetrics' own.

    Examples:
        >>> metric = RankMeMetric()
        >>> metric.update(torch.eye(3))
        >>> round(metric.compute().item(), 3)
        3.0
    """

    higher_is_better = True

    def __init__(self, *, epsilon: float = 1e-7, **kwargs: Any) -> None:
        super().__init__(RankMe(epsilon=epsilon), **kwargs)


class AlphaReQMetric(EmbeddingMetric):
    """The exponent α of `alpha_req` as a metric; nan where no power law could be fitted.

    Args:
        first_rank: See `alpha_req`.
        last_rank: See `alpha_req`.
        refit: See `alpha_req`.
        kwargs: TorchMetrics' own.

    Examples:
        >>> metric = AlphaReQMetric(first_rank=1, last_rank=8)
        >>> axes = torch.diag(torch.arange(1, 9, dtype=torch.float64) ** -0.5)
        >>> metric.update(torch.cat([axes, -axes]))
        >>> round(metric.compute().item(), 6)
        1.0
    """

    def __init__(
        self, *, first_rank: int = 4, last_rank: int = 100, refit: bool = False, **kwargs: Any
    ) -> None:
        options = AlphaReQ(first_rank=first_rank, last_rank=last_rank, refit=refit)
        super().__init__(options, **kwargs)

    def _number(self, value: AlphaFit) -> float:
        return value.alpha


class LiDARMetric(_PackedMetric):
    """`lidar` as a metric, of grouped views; for flat rows with ids there is the accumulator.

    Args:
        delta: See `lidar`.
        relative_delta: See `lidar`.
        epsilon: See `lidar`.
        kwargs: TorchMetrics' own.

    Examples:
        >>> metric = LiDARMetric()
        >>> metric.update(torch.tensor([[[-1.0, 0.0], [1.0, 0.0]], [[2.0, 1.0], [2.0, 3.0]]]))
        >>> round(metric.compute().item(), 5)
        1.0
    """

    higher_is_better = True

    def __init__(
        self,
        *,
        delta: float = 1e-4,
        relative_delta: bool = False,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        options = LiDAR(delta=delta, relative_delta=relative_delta, epsilon=epsilon)
        super().__init__(options, **kwargs)

    def update(self, views: ArrayLike) -> None:
        """Add views, shape (n_images, n_views, dim), floating, `views[i]` all of image i.

        Raises:
            EmbeddingError: See `check_views`; or another dim or number of views than before.
        """
        self._add(check_views(views, fewest_images=1))

    def _unpack(self, vector: Tensor) -> ViewMoments:
        return unpack_view_moments(vector)


def _holding(device: torch.device) -> torch.device:
    return torch.device("cpu") if device.type == "mps" else device  # MPS has no float64
