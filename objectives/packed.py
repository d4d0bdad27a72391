"""Moments as one flat vector: the only shape that any process can send before it knows dim."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from objectives.directions import Directions
from objectives.embeddings import FLOATING, to_float64
from objectives.moments import SecondMoments
from objectives.summary import (
    Summary,
    ViewSummary,
    from_summary,
    from_view_summary,
    summary_of,
    view_summary_of,
)
from objectives.view_moments import ViewMoments

N_FIELDS = 5


class Header(NamedTuple):
    """What stands before the figures of one part.

    Attributes:
        dim: Length of one embedding.
        n_views: Views of each image; 0 for embeddings without views.
        n_summed: Rows, or images, that the part sums up; 0 if it holds them as they came.
        n_kept: Rows, or images, that it holds as they came.
        dtype: Of the first batch, as a place in `FLOATING`.
    """

    dim: int
    n_views: int
    n_summed: int
    n_kept: int
    dtype: int

    @property
    def n_figures(self) -> int:
        """Figures that follow the header."""
        if self.n_kept:
            return self.n_kept * max(1, self.n_views) * self.dim
        return (3 + self.dim * (2 if self.n_views else 1)) * self.dim


def header_of(part: Tensor) -> Header:
    """Read the header at the beginning of a vector.

    Examples:
        >>> header_of(pack_batch(torch.zeros(4, 2, 3))).n_figures
        24
    """
    return Header(*(int(field) for field in part[:N_FIELDS].tolist()))


def pack_batch(batch: Tensor) -> Tensor:
    """Keep a batch as it came, for as long as it is smaller than its moments.

    Args:
        batch: Shape (n_samples, dim), or (n_images, n_views, dim), floating.

    Returns:
        float64, 1-D.

    Examples:
        >>> unpack_moments(pack_batch(torch.ones(4, 2))).count
        4
    """
    n_views = batch.shape[1] if batch.ndim == 3 else 0
    header = Header(batch.shape[-1], n_views, 0, len(batch), FLOATING.index(batch.dtype))
    return _pack(header, [to_float64(batch)])


def pack_moments(moments: SecondMoments | ViewMoments) -> Tensor:
    """Sum up what an accumulator saw, which may have no ids of images: float64, 1-D.

    Examples:
        >>> moments = SecondMoments()
        >>> moments.update(torch.eye(2))
        >>> len(pack_moments(moments))
        15
    """
    if isinstance(moments, SecondMoments):
        summary, n_views, dtype, within = summary_of(moments), 0, moments.dtype, []
    else:
        views = view_summary_of(moments)
        summary, n_views, dtype = summary_of(views.means), views.n_views, views.dtype
        within = [views.within]
    directions = summary.directions
    header = Header(
        len(summary.mean), n_views, summary.n_rows, 0, FLOATING.index(dtype or torch.float64)
    )
    figures = [summary.mean, directions.mean, directions.deviation, summary.scatter, *within]
    return _pack(header, figures)


def unpack_moments(vector: Tensor) -> SecondMoments:
    """Merge all parts of a vector, in which some or many may follow each other.

    Raises:
        EmbeddingError: The parts differ in dim.

    Examples:
        >>> part = pack_batch(torch.ones(4, 2))
        >>> unpack_moments(torch.cat([part, part])).count
        8
    """
    moments = SecondMoments()
    for header, figures in _parts(vector):
        if header.n_kept:
            moments.update(figures.view(-1, header.dim).to(FLOATING[header.dtype]))
        else:
            moments.merge(from_summary(_summary(header, figures)))
    return moments


def unpack_view_moments(vector: Tensor) -> ViewMoments:
    """Merge all parts of a vector, as `unpack_moments` does.

    Raises:
        EmbeddingError: The parts differ in dim or in the number of views.

    Examples:
        >>> part = pack_batch(torch.zeros(4, 2, 3))
        >>> unpack_view_moments(torch.cat([part, part])).n_images
        8
    """
    moments = ViewMoments()
    for header, figures in _parts(vector):
        if header.n_kept:
            views = figures.view(-1, header.n_views, header.dim)
            moments.update(views.to(FLOATING[header.dtype]))
            continue
        means = from_summary(_summary(header, figures)._replace(dtype=torch.float64))
        within = figures[-(header.dim**2) :].view(header.dim, header.dim)
        summary = ViewSummary(header.n_views, means, within, FLOATING[header.dtype])
        moments.merge(from_view_summary(summary))
    return moments


def _pack(header: Header, figures: list[Tensor]) -> Tensor:
    start = torch.tensor(header, dtype=torch.float64, device=figures[0].device)
    return torch.cat([start, *(some.flatten() for some in figures)])


def _parts(vector: Tensor) -> Iterator[tuple[Header, Tensor]]:
    while len(vector):
        header = header_of(vector)
        end = N_FIELDS + header.n_figures
        yield header, vector[N_FIELDS:end]
        vector = vector[end:]


def _summary(header: Header, figures: Tensor) -> Summary:
    dim = header.dim
    directions = Directions(dim, figures.device)
    directions.absorb(header.n_summed, figures[dim : 2 * dim], figures[2 * dim : 3 * dim])
    scatter = figures[3 * dim : (3 + dim) * dim].view(dim, dim)
    dtype = FLOATING[header.dtype]
    return Summary(header.n_summed, figures[:dim], scatter, directions, dtype)
