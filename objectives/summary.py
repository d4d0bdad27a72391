"""What accumulators hold, out and back in: the sufficient statistics that processes exchange."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from objectives.directions import Directions
from objectives.moments import SecondMoments
from objectives.view_moments import ViewMoments

# A friend of the two accumulators, whose fields it alone may touch: they stay free to change.


class Summary(NamedTuple):
    """All that `SecondMoments` hold, once every row is summed up.

    Attributes:
        n_rows: Rows seen, at least 1.
        mean: Shape (dim,), float64.
        scatter: Shape (dim, dim), float64; its upper triangle counts.
        directions: Of the same rows.
        dtype: Data type of the first batch.
    """

    n_rows: int
    mean: Tensor
    scatter: Tensor
    directions: Directions
    dtype: torch.dtype


class ViewSummary(NamedTuple):
    """All that `ViewMoments` hold, once every image is complete.

    Attributes:
        n_views: Views of each image.
        means: Moments of the images' mean embeddings.
        within: Shape (dim, dim), float64; its upper triangle counts.
        dtype: Data type of the first batch.
    """

    n_views: int
    means: SecondMoments
    within: Tensor
    dtype: torch.dtype


def summary_of(moments: SecondMoments) -> Summary:
    """Sum up an accumulator that has seen something; the tensors are its own, not copies.

    Raises:
        EmbeddingError: It has seen nothing.

    Examples:
        >>> moments = SecondMoments()
        >>> moments.update(torch.tensor([[1.0, 0.0], [3.0, 0.0]]))
        >>> summary_of(moments).mean.tolist()
        [2.0, 0.0]
    """
    whole = moments._whole()
    dtype = moments.dtype or torch.float64
    return Summary(whole._summed, whole._mean, whole._scatter, moments._directions, dtype)


def from_summary(summary: Summary) -> SecondMoments:
    """Rebuild an accumulator; the tensors are taken over, not copied.

    Examples:
        >>> moments = SecondMoments()
        >>> moments.update(torch.tensor([[1.0, 0.0], [3.0, 0.0]]))
        >>> from_summary(summary_of(moments)).total_variance
        1.0
    """
    moments = SecondMoments()
    moments.dim, moments.dtype = len(summary.mean), summary.dtype
    moments.count = moments._summed = summary.n_rows
    moments._mean, moments._scatter = summary.mean, summary.scatter
    moments._directions = summary.directions
    return moments


def few_rows(moments: SecondMoments) -> Tensor | None:
    """All rows seen, as long as they are fewer than dim and so kept as they are; else None.

    Examples:
        >>> moments = SecondMoments()
        >>> moments.update(torch.tensor([[1.0, 0.0]]))
        >>> few_rows(moments)
        tensor([[1., 0.]])
    """
    return moments._rows() if moments._wide else None


def view_summary_of(moments: ViewMoments) -> ViewSummary:
    """Take out what an accumulator holds of complete images; the tensors are its own, not copies.

    Examples:
        >>> moments = ViewMoments()
        >>> moments.update(torch.tensor([[[1.0], [3.0]], [[5.0], [7.0]]]))
        >>> view_summary_of(moments).within
        tensor([[4.]], dtype=torch.float64)
    """
    dtype = moments.dtype or torch.float64
    return ViewSummary(moments.n_views, moments._means, moments._within, dtype)


def from_view_summary(summary: ViewSummary, *, closed: set[int] | None = None) -> ViewMoments:
    """Rebuild an accumulator; the tensors are taken over, not copied.

    Args:
        summary: What it holds.
        closed: Ids of images, as in `view_ids`, of which it takes no more views.

    Examples:
        >>> moments = ViewMoments()
        >>> moments.update(torch.tensor([[[1.0], [3.0]], [[5.0], [7.0]]]))
        >>> from_view_summary(view_summary_of(moments)).n_images
        2
    """
    moments = ViewMoments()
    moments.n_views, moments.dtype = summary.n_views, summary.dtype
    moments._means, moments._within = summary.means, summary.within
    moments._closed = closed or set()
    return moments


def view_ids(moments: ViewMoments) -> tuple[set[int], dict[int, int]]:
    """Ids of complete images, and how many views came of each other one; none if grouped.

    Examples:
        >>> moments = ViewMoments(n_views=2)
        >>> moments.update(torch.tensor([[1.0], [3.0], [5.0]]), image_ids=[7, 7, 8])
        >>> view_ids(moments)
        ({7}, {8: 1})
    """
    return set(moments._closed), {image: seen for image, (seen, _) in moments._open.items()}
