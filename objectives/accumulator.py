"""What every measure has as an accumulator: update, compute, reset, merge and reduce."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

import torch
import torch.distributed as dist

from objectives.distributed import gather, reduce_moments
from objectives.embeddings import ArrayLike
from objectives.errors import InvalidArgumentError
from objectives.moments import SecondMoments
from objectives.view_moments import ViewMoments

Moments = TypeVar("Moments", SecondMoments, ViewMoments)
Value = TypeVar("Value")


class Accumulator(ABC, Generic[Moments, Value]):
    """A measure with its options, and the moments that it will be read from.

    `update` with every batch, then `compute`; more batches may follow. `merge` adds what another
    worker's accumulator has seen, `reduce` what all processes of torch.distributed have. Any split
    into batches, workers and processes gives the same value up to round-off. It pickles.

    Several measures of the same embeddings need one accumulator only: `rankme`, `alpha_req`,
    `collapse_report` and others all take `moments`, and one pass feeds them all.

    Attributes:
        moments: What was seen.
        options: The measure's options, by name.
    """

    moments: Moments

    def __init__(self, measure: Callable[..., Value], **options: Any) -> None:
        self._measure = measure
        self.options = options
        self.of(self._example())  # a bad option fails here, not after the epoch
        self.reset()

    def of(self, moments: Moments) -> Value:
        """Value of moments that were filled elsewhere, under this accumulator's options."""
        return self._measure(moments, **self.options)

    def compute(self) -> Value:
        """Value over all that was seen: what the measure's function returns.

        Raises:
            EmbeddingError: See the function; or nothing was seen.
        """
        return self.of(self.moments)

    def reset(self) -> None:
        """Forget everything seen."""
        self.moments = self._nothing_seen()

    def merge(self, other: Self) -> None:
        """Add what another accumulator has seen; `other` is left as it was.

        Raises:
            EmbeddingError: The two have seen different dims, or other reasons of their moments.
            InvalidArgumentError: The other measures something else, or with other options.
        """
        if not isinstance(other, Accumulator) or other._label != self._label:
            raise InvalidArgumentError(
                f"other: got {other!r}, wanted another {self._label}; for another measure of the "
                "same embeddings hand `moments` to its function."
            )
        self.moments.merge(other.moments)

    def reduce(self, group: dist.ProcessGroup | None = None) -> Self:
        """Return what all processes together have seen, as a new accumulator; all must call this.

        Args:
            group: The processes; all of them if None. Without torch.distributed this one alone.

        Raises:
            EmbeddingError: See `reduce_moments` and `reduce_view_moments`, or `check_embeddings`.
            InvalidArgumentError: Another process measures something else, or with other options.
        """
        labels = gather(self._label, group)
        if len(set(labels)) > 1:
            raise InvalidArgumentError(
                f"options: got {', '.join(labels)} by rank, wanted the same measure and options in "
                "all processes."
            )
        reduced = copy.copy(self)
        reduced.moments = self._reduced(group)
        return reduced

    def __repr__(self) -> str:
        return f"<{self._label} over {self._seen()}>"

    @property
    def _label(self) -> str:
        # Compared as text: an option may be nan, which is not equal to itself.
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{type(self).__name__} {self._measure.__name__}({options})"

    @abstractmethod
    def _nothing_seen(self) -> Moments: ...

    @abstractmethod
    def _example(self) -> Moments:
        """The fewest samples that every measure of the kind has a value for."""

    @abstractmethod
    def _reduced(self, group: dist.ProcessGroup | None) -> Moments: ...

    @abstractmethod
    def _seen(self) -> str: ...


class EmbeddingAccumulator(Accumulator[SecondMoments, Value]):
    """Any measure that takes `SecondMoments`, fed with embeddings.

    Args:
        measure: Such a function, from the top level of a module.
        options: Its options, by name.

    Examples:
        >>> from objectives.rankme import rankme
        >>> accumulator = EmbeddingAccumulator(rankme, epsilon=0.0)
        >>> accumulator.update(torch.eye(2))
        >>> accumulator.update(torch.eye(2))
        >>> round(accumulator.compute(), 9)
        2.0
        >>> accumulator
        <EmbeddingAccumulator rankme(epsilon=0.0) over 4 embeddings of dim 2>
    """

    def update(self, batch: ArrayLike) -> None:
        """Add embeddings, shape (n_samples, dim), floating; not changed.

        Raises:
            EmbeddingError: See `check_embeddings`; or another dim than before.
        """
        self.moments.update(batch)

    def _nothing_seen(self) -> SecondMoments:
        return SecondMoments()

    def _example(self) -> SecondMoments:
        moments = SecondMoments()
        moments.update(torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
        return moments

    def _reduced(self, group: dist.ProcessGroup | None) -> SecondMoments:
        return reduce_moments(self.moments, group)

    def _seen(self) -> str:
        return f"{self.moments.count} embeddings of dim {self.moments.dim}"
