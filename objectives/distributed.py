"""One accumulator out of those of all processes, by torch.distributed, in O(dim²) memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from objectives.directions import Directions
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.moments import SecondMoments
from objectives.summary import (
    Summary,
    ViewSummary,
    few_rows,
    from_summary,
    from_view_summary,
    summary_of,
    view_ids,
    view_summary_of,
)
from objectives.symmetric import add_gram
from objectives.view_moments import ViewMoments

T = TypeVar("T")


class _Seen(NamedTuple):
    """What each process tells the others first, so that all of them come to the same verdict."""

    n_seen: int
    dim: int
    dtype: torch.dtype | None
    rows_kept: bool


class _SeenViews(NamedTuple):
    n_seen: int
    dim: int
    dtype: torch.dtype | None
    n_views: int
    closed: NDArray[np.int64]
    open: dict[int, int]


def reduce_moments(moments: SecondMoments, group: dist.ProcessGroup | None = None) -> SecondMoments:
    """Merge the moments of all processes, each of which calls this.

        mean = Σ_r n_r mean_r / N,   scatter = Σ_r scatter_r + n_r (mean_r − mean)(mean_r − mean)ᵀ

    Two all-reduces: the means, then the scatters about the common mean. No process ever holds more
    than a few dim × dim matrices, whatever the world size. (Where all rows together are fewer than
    dim, the rows themselves travel: they are smaller.) Up to round-off the result is that of one
    process which saw everything.

    Args:
        moments: What this process saw; left as it was. A process that saw nothing takes part too.
        group: The processes; all of them if None. Without an initialised process group it is this
            process alone.

    Returns:
        The same new moments in every process: on the CPU where the group can talk there (Gloo),
        else on this process's current CUDA device (NCCL).

    Raises:
        EmbeddingError: In all processes alike: dims differ, or none has seen anything.
        InvalidArgumentError: This process is not in the group.

    References:
        Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample
        variances", 1979.

    Examples:
        >>> moments = SecondMoments()
        >>> moments.update(torch.eye(3))
        >>> reduce_moments(moments).count
        3
    """
    rows = few_rows(moments)
    mine = _Seen(moments.count, moments.dim, moments.dtype, rows is not None)
    seen = gather(mine, group)
    some = [each for each in seen if each.n_seen]
    dim, dtype = _common_dim(seen), some[0].dtype or torch.float64
    total = sum(each.n_seen for each in some)
    if not _distributed():
        merged = SecondMoments()
        merged.merge(moments)
        return merged
    if total < dim and all(each.rows_kept for each in some):
        merged = SecondMoments()
        for kept in gather(None if rows is None else rows.cpu(), group):
            if kept is not None:
                merged.update(kept.to(_device(group)))
        merged.dtype = dtype
        return merged
    mine_summed = summary_of(moments) if moments.count else None
    return from_summary(_sum_over_processes(mine_summed, total, dim, dtype, group))


def reduce_view_moments(
    moments: ViewMoments, group: dist.ProcessGroup | None = None
) -> ViewMoments:
    """Merge the view moments of all processes, each of which calls this.

    All views of an image belong into one process. Ids of images, where they were given, are
    exchanged to check this: 8 bytes an image beside the O(dim²).

    Args:
        moments: What this process saw; left as it was. A process that saw nothing takes part too.
        group: See `reduce_moments`.

    Returns:
        The same new moments in every process; see `reduce_moments` for the device.

    Raises:
        EmbeddingError: In all processes alike: dims or numbers of views differ, none has seen
            anything, two have seen the same image, or some image lacks views.
        InvalidArgumentError: This process is not in the group.

    Examples:
        >>> moments = ViewMoments()
        >>> moments.update(torch.zeros(4, 2, 3))
        >>> reduce_view_moments(moments).n_images
        4
    """
    closed, incomplete = view_ids(moments)
    ids = np.fromiter(closed, np.int64, len(closed))
    seen = gather(
        _SeenViews(
            moments.n_images + len(incomplete),
            moments.dim,
            moments.dtype,
            moments.n_views,
            ids,
            incomplete,
        ),
        group,
    )
    some = [each for each in seen if each.n_seen]
    dim, dtype = _common_dim(seen), some[0].dtype or torch.float64
    _check_views(seen)
    _check_ids(seen)
    own = view_summary_of(moments)
    means = reduce_moments(own.means, group)
    within = torch.zeros(dim, dim, dtype=torch.float64, device=means.mean.device)
    if moments.dim:
        within.copy_(own.within)
    if _distributed():
        dist.all_reduce(within, group=group)
    together = set(np.concatenate([each.closed for each in seen]).tolist())
    summary = ViewSummary(some[0].n_views, means, within, dtype)
    return from_view_summary(summary, closed=together)


def gather(value: T, group: dist.ProcessGroup | None = None) -> list[T]:
    """Exchange one small object: what each process passed, in the order of their ranks.

    Raises:
        InvalidArgumentError: This process is not in the group.

    Examples:
        >>> gather("alone")
        ['alone']
    """
    if not _distributed():
        return [value]
    if dist.get_rank(group) < 0:
        raise InvalidArgumentError(
            f"group: got one without this process (rank {dist.get_rank()}), wanted one with it; "
            "only its members may call this."
        )
    values: list[T] = [value] * dist.get_world_size(group)
    dist.all_gather_object(values, value, group=group)
    return values


def _sum_over_processes(
    mine: Summary | None,
    total: int,
    dim: int,
    dtype: torch.dtype,
    group: dist.ProcessGroup | None,
) -> Summary:
    device = _device(group)
    means = torch.zeros(2, dim, dtype=torch.float64, device=device)
    if mine is not None:
        means[0] = mine.mean * (mine.n_rows / total)
        means[1] = mine.directions.mean * (mine.n_rows / total)
    dist.all_reduce(means, group=group)
    sums = torch.zeros(dim + 1, dim, dtype=torch.float64, device=device)
    if mine is not None:
        sums[:dim] = mine.scatter
        shift = mine.mean.to(device) - means[0]
        add_gram(sums[:dim], shift[None] * mine.n_rows**0.5)
        shift = mine.directions.mean.to(device) - means[1]
        sums[dim] = mine.directions.deviation.to(device) + mine.n_rows * shift.square()
    dist.all_reduce(sums, group=group)
    directions = Directions(dim, device)
    directions.absorb(total, means[1], sums[dim])
    return Summary(total, means[0], sums[:dim], directions, dtype)


def _common_dim(seen: Sequence[_Seen | _SeenViews]) -> int:
    dims = {rank: each.dim for rank, each in enumerate(seen) if each.n_seen}
    if not dims:
        raise EmbeddingError(
            f"moments: got nothing seen in any of {len(seen)} process(es), wanted at least one "
            "batch in one of them; call update first."
        )
    if len(set(dims.values())) > 1:
        raise EmbeddingError(
            f"moments: got dim {_by_rank(dims)}, wanted one dim in all processes; use one "
            "accumulator per layer."
        )
    return next(iter(dims.values()))


def _check_views(seen: list[_SeenViews]) -> None:
    n_views = {rank: each.n_views for rank, each in enumerate(seen) if each.n_seen}
    if len(set(n_views.values())) > 1:
        raise EmbeddingError(
            f"moments: got n_views {_by_rank(n_views)}, wanted one number in all processes; "
            "values over different numbers of views cannot be compared."
        )


def _check_ids(seen: list[_SeenViews]) -> None:
    ids = [np.concatenate([each.closed, np.array([*each.open], np.int64)]) for each in seen]
    distinct, counts = np.unique(np.concatenate(ids), return_counts=True)
    shared = distinct[counts > 1]
    if len(shared):
        ranks = [rank for rank, some in enumerate(ids) if shared[0] in some]
        raise EmbeddingError(
            f"image_ids: got views of image {shared[0]} in the processes of ranks {ranks} (and of "
            f"{len(shared) - 1} more images in several), wanted all views of an image in one; give "
            "each process whole images, and none twice (samplers pad by repeating some)."
        )
    for rank, each in enumerate(seen):
        if each.open:
            image, n_seen = next(iter(each.open.items()))
            raise EmbeddingError(
                f"image_ids: got {n_seen} view(s) of image {image} in the process of rank {rank} "
                f"({len(each.open)} image(s) there are not complete), wanted {each.n_views} of "
                "each; update with the missing views first."
            )


def _by_rank(values: dict[int, int]) -> str:
    return ", ".join(f"{value} (rank {rank})" for rank, value in values.items())


def _distributed() -> bool:
    return dist.is_available() and dist.is_initialized()


def _device(group: dist.ProcessGroup | None) -> torch.device:
    if "cpu:" in dist.get_backend_config(group):
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())  # pragma: no GPU
