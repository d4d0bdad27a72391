"""One pass over embeddings into second moments, from which several measures are read."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from objectives.directions import Directions
from objectives.embeddings import ArrayLike, check_embeddings, to_float64
from objectives.errors import EmbeddingError
from objectives.round_off import check_no_overflow, cut_round_off, mean_round_off
from objectives.scatter import ROWS_AT_ONCE, add_centred_gram, mean_row
from objectives.symmetric import add_gram, both_eigenvalues, symmetric
from objectives.wide import wide_squares


class SecondMoments:
    """Count, mean and scatter of embeddings seen batch by batch, in O(dim²) memory.

        scatter = Σ (z − mean)(z − mean)ᵀ,   gram = Σ z zᵀ = scatter + count · mean meanᵀ

    Fill it in one pass and hand it to any measure that takes embeddings (`rankme`, `alpha_req`,
    `collapse_report`, `stable_rank`, …): the spectra are solved for once and shared.

    The scatter is kept, not the raw Σ z zᵀ: subtracting count · mean meanᵀ from that loses
    everything when the embeddings are a long constant vector plus a tiny spread, and that is a
    collapsing network. Batches merge by the pairwise update of Chan, Golub and LeVeque (1979,
    "Updating formulae and a pairwise algorithm for computing sample variances"), so any split into
    batches, on any number of workers, gives the same moments up to round-off. Everything is summed
    in float64: products of two float32 are exact there, and a float32 Gram matrix reads 8.29 where
    the rank measure is 7.985. As long as fewer than dim rows have come they are kept as they are,
    and the smaller Gram matrix Z Zᵀ is used.

    Args:
        keep_few: False to sum rows as they come, for who needs the dim² matrices anyway.

    Attributes:
        count: Rows seen, 0 before the first batch.
        dim: Length of one embedding, 0 before the first batch.
        dtype: Data type of the first batch, None before it.

    Examples:
        >>> moments = SecondMoments()
        >>> moments.update(torch.tensor([[3.0, 0.0]]))
        >>> moments.update(torch.tensor([[0.0, 1.0]]))
        >>> [round(value, 9) for value in moments.singular_values().tolist()]
        [3.0, 1.0]
    """

    def __init__(self, *, keep_few: bool = True) -> None:
        self._keep_few = keep_few
        self.reset()

    def reset(self) -> None:
        """Forget everything seen."""
        self.count = 0
        self.dim = 0
        self.dtype: torch.dtype | None = None
        self._waiting: list[Tensor] = []
        self._summed = 0
        self._mean = torch.zeros(0, dtype=torch.float64)
        self._scatter = torch.zeros(0, 0, dtype=torch.float64)
        self._directions = Directions(0, self._mean.device)
        self._spectra: dict[bool, Tensor] = {}

    def update(self, batch: ArrayLike) -> None:
        """Add a batch of embeddings, shape (n_samples, dim); it is not changed.

        Raises:
            EmbeddingError: As in `check_embeddings`, or another dim than the batches before.
        """
        self._add(check_embeddings(batch, name="batch"))

    def _add(self, rows: Tensor) -> None:
        rows = rows.cpu() if rows.device.type == "mps" else rows  # MPS has no float64
        self._begin(rows.shape[1], rows.dtype, rows.device)
        self._keep(rows, self._directions.update(rows))

    def _keep(self, rows: Tensor, total: Tensor | None = None) -> None:
        self.count += len(rows)
        self._spectra = {}
        kept = self.dim if self._keep_few and not self._summed else 0
        enough = max(ROWS_AT_ONCE, kept)
        if len(rows) >= enough:
            self._sum(rows, total)
            return
        self._waiting.append(rows.clone())
        if self.count - self._summed >= enough:
            self._sum_waiting()

    def merge(self, other: SecondMoments) -> None:
        """Add what another accumulator has seen; `other` keeps what it has seen.

        Raises:
            EmbeddingError: The two have seen different dims.
        """
        if not other.count or other.dtype is None:
            return
        self._begin(other.dim, other.dtype, other._mean.device)
        waiting, directions = list(other._waiting), other._directions
        self._directions.absorb(directions.count, directions.mean, directions.deviation)
        if other._summed:
            self.count += other._summed
            self._spectra = {}
            self._scatter = self._whole_scatter() + other._scatter.to(self._mean.device)
            self._shift(other._summed, other._mean)
        for rows in waiting:
            self._keep(rows)

    @property
    def mean(self) -> Tensor:
        """Mean embedding, shape (dim,), float64."""
        return self._whole()._mean.clone()

    @property
    def total_variance(self) -> float:
        """Trace of the covariance, in squared embedding units."""
        if self._wide:
            return float(self._squares(centred=True).sum()) / self.count
        return _finite(self._whole()._scatter.diagonal().sum()) / self.count

    @property
    def mean_square_norm(self) -> float:
        """Mean of ‖z‖², in squared embedding units."""
        if self._wide:
            return float(self._squares(centred=False).sum()) / self.count
        return self.total_variance + _finite(self._mean.square().sum())

    @property
    def spread(self) -> float:
        """Standard deviation of z / ‖z‖, averaged over dimensions, times √dim: 0 for a point, 1."""
        self._require_rows(1)
        return self._directions.spread

    def gram(self) -> Tensor:
        """Uncentred ZᵀZ, shape (dim, dim), float64: a sum, not divided by the count."""
        whole = self._whole()
        gram = symmetric(whole._scatter) + self.count * torch.outer(whole._mean, whole._mean)
        check_no_overflow(gram)
        return gram

    def covariance(self) -> Tensor:
        """Centred covariance, divided by the count (not count − 1), shape (dim, dim), float64."""
        covariance = symmetric(self._whole()._scatter) / self.count
        check_no_overflow(covariance)
        return covariance

    def upper_scatter(self, *, give_away: bool = False) -> Tensor:
        """Upper triangle of the scatter, shape (dim, dim), float64, undivided.

        Args:
            give_away: Hand over the accumulator's own matrix instead of a copy; it is reset.
        """
        scatter = self._whole()._scatter
        if not give_away:
            return scatter.clone()
        self.reset()
        return scatter

    def singular_values(self, *, centred: bool = False) -> Tensor:
        """Singular values of all rows seen; see the function `singular_values`.

        Raises:
            EmbeddingError: Nothing seen yet.
        """
        self._require_rows(1)
        return self._squares(centred=centred).sqrt()

    def covariance_eigenvalues(self) -> Tensor:
        """Eigenvalues of the centred covariance; see the function `covariance_eigenvalues`.

        Raises:
            EmbeddingError: Fewer than two rows seen.
        """
        self._require_rows(2)
        return self._squares(centred=True)[: self.count - 1] / self.count

    def _squares(self, *, centred: bool) -> Tensor:
        """Squared singular values, descending, min(count, dim) of them, round-off set to 0."""
        if centred not in self._spectra:
            if self._wide:
                self._spectra[centred] = wide_squares(self._rows(), centred=centred)
            else:
                self._solve()
        return self._spectra[centred]

    def _solve(self) -> None:
        self._whole()
        check_no_overflow(self._scatter)
        check_no_overflow(self._mean.square().sum() * self.count)
        scatter, gram = both_eigenvalues(self._scatter, self._mean, self.count)
        longest_side = max(self.count, self.dim)
        floor = self.count * mean_round_off(self._mean)
        for centred, values, least in ((True, scatter, floor), (False, gram, 0.0)):
            cleaned = cut_round_off(values, longest_side=longest_side, floor=least)
            self._spectra[centred] = cleaned[: self.count]

    @property
    def _wide(self) -> bool:
        """Whether all rows are still at hand, and fewer than dim."""
        return self._keep_few and self._summed == 0 and 0 < self.count < self.dim

    def _whole(self) -> SecondMoments:
        """Return moments with every row in the scatter; rows of a wide matrix stay as they are."""
        self._require_rows(1)
        if self._wide:
            whole = SecondMoments()
            whole.dim, whole.count, whole._mean = self.dim, self.count, self._mean
            whole._sum(self._rows())
            return whole
        self._sum_waiting()
        return self

    def _rows(self) -> Tensor:
        if len(self._waiting) == 1:
            return self._waiting[0]
        return torch.cat([to_float64(rows).to(self._mean.device) for rows in self._waiting])

    def _sum_waiting(self) -> None:
        if self._waiting:
            rows = self._rows()
            self._waiting = []
            self._sum(rows)

    def _sum(self, rows: Tensor, total: Tensor | None = None) -> None:
        rows = rows.to(self._mean.device)
        mean = mean_row(rows) if total is None else total / len(rows)
        self._scatter = self._whole_scatter()
        add_centred_gram(self._scatter, rows, mean)
        self._shift(len(rows), mean)

    def _whole_scatter(self) -> Tensor:
        if self._summed:
            return self._scatter
        return torch.zeros(self.dim, self.dim, dtype=torch.float64, device=self._mean.device)

    def _shift(self, count: int, mean: Tensor) -> None:
        """Account for the distance between the means of what was summed and of what came."""
        total = self._summed + count
        shift = mean.to(self._mean.device) - self._mean
        if self._summed:
            add_gram(self._scatter, shift[None] * (self._summed * count / total) ** 0.5)
        self._mean = self._mean + shift * (count / total)
        self._summed = total

    def _begin(self, dim: int, dtype: torch.dtype, device: torch.device) -> None:
        if self.dtype is None:
            self.dim, self.dtype = dim, dtype
            self._mean = torch.zeros(dim, dtype=torch.float64, device=device)
            self._directions = Directions(dim, device)
        elif dim != self.dim:
            raise EmbeddingError(
                f"batch: got dim {dim}, wanted dim {self.dim} as in the batches before; "
                "use one accumulator per layer."
            )

    def _require_rows(self, minimum: int) -> None:
        if self.count < minimum:
            raise EmbeddingError(
                f"embeddings: got {self.count} sample(s), wanted at least {minimum}; "
                "pass more samples (or call update first)."
            )


def _finite(square: Tensor) -> float:
    check_no_overflow(square)
    return float(square)


Source: TypeAlias = ArrayLike | SecondMoments
"""What a measure of second moments takes: embeddings, or an accumulator that has seen them."""


def moments_of(source: Source) -> SecondMoments:
    """Return the accumulator itself, or a new one that has seen the embeddings.

    Raises:
        EmbeddingError: See `check_embeddings`.

    Examples:
        >>> moments_of(torch.eye(3)).count
        3
    """
    if isinstance(source, SecondMoments):
        return source
    moments = SecondMoments()
    moments._add(check_embeddings(source))
    return moments
