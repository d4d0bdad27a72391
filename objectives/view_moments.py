"""One pass over the views of images into the scatter between images and that within them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from objectives.embeddings import ArrayLike, check_embeddings, check_views, to_float64
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.moments import SecondMoments
from objectives.round_off import check_no_overflow
from objectives.scatter import ROWS_AT_ONCE, add_centred_gram
from objectives.symmetric import symmetric


class ViewMoments:
    """Scatter of image means and scatter of views about their image's mean, in O(dim²) memory.

        between = Σ_x (μ_x − μ)(μ_x − μ)ᵀ,   within = Σ_x Σ_v (e_xv − μ_x)(e_xv − μ_x)ᵀ

    Views come grouped, or flat with the id of the image that each row shows, in any order and over
    any number of batches: an image whose views are not complete yet is kept by its running mean
    alone (one float64 row), and by nothing but its id once they are. Flat rows without ids are
    refused, since a wrong grouping makes LiDAR look better, not worse.

    Args:
        n_views: Views of each image; taken from the first grouped batch if None. Needed for flat
            batches, to know when an image is complete.

    Attributes:
        n_images: Images whose views have all been seen.
        n_views: Views of each image, 0 before it is known.
        dim: Length of one embedding, 0 before the first batch.
        dtype: Data type of the first batch, None before it.

    Examples:
        >>> moments = ViewMoments(n_views=2)
        >>> moments.update(torch.tensor([[1.0], [5.0]]), image_ids=[7, 8])
        >>> moments.update(torch.tensor([[3.0], [7.0]]), image_ids=[7, 8])
        >>> moments.n_images, round(moments.within().item(), 9), moments.between().item()
        (2, 4.0, 8.0)
    """

    def __init__(self, n_views: int | None = None) -> None:
        if n_views is not None and n_views < 2:
            raise InvalidArgumentError(
                f"n_views: got {n_views}, wanted at least 2; one view has no variance within."
            )
        self._asked_views = n_views
        self.reset()

    def reset(self) -> None:
        """Forget everything seen."""
        self.n_views: int = self._asked_views or 0
        self.dtype: torch.dtype | None = None
        self._means = SecondMoments(keep_few=False)
        self._within = torch.zeros(0, 0, dtype=torch.float64)
        self._open: dict[int, tuple[int, Tensor]] = {}
        self._closed: set[int] = set()

    @property
    def n_images(self) -> int:
        """Images whose views have all been seen."""
        return self._means.count

    @property
    def dim(self) -> int:
        """Length of one embedding, 0 before the first batch."""
        return len(self._within)

    def update(self, views: ArrayLike, image_ids: ArrayLike | list[int] | None = None) -> None:
        """Add views; they are not changed.

        Args:
            views: Shape (n_images, n_views, dim), all views of these images, as in `check_views`;
                or (n_rows, dim) with `image_ids`.
            image_ids: Integers, shape (n_rows,): which image each row is a view of.

        Raises:
            EmbeddingError: See `check_views`; another dim or number of views than before; flat rows
                without ids or without `n_views`; an image with more than `n_views` views.
        """
        if image_ids is None:
            # One image is enough in a batch: the variance between images comes from all batches.
            self._add_grouped(check_views(views, fewest_images=1))
        else:
            rows = check_embeddings(views, name="views")
            n_views, ids = self._require_n_views(), _as_ids(image_ids, len(rows))
            self._refuse_more_views(ids)
            self._check(rows.shape[1], n_views, rows)
            self._add_flat(rows.to(self._within.device), ids)

    def merge(self, other: ViewMoments) -> None:
        """Add what another accumulator has seen of other images; `other` is left as it was.

        Raises:
            EmbeddingError: The two differ in dim or number of views, or share an image.
        """
        if not other.dim:
            return
        shared = (self._open.keys() | self._closed) & (other._open.keys() | other._closed)
        if shared:
            raise EmbeddingError(
                f"image_ids: got views of image {min(shared)} in both accumulators (and of "
                f"{len(shared) - 1} more), wanted all views of an image in one; give each process "
                "whole images."
            )
        dtype = self.dtype or other.dtype
        self._check(other.dim, other.n_views, other._within)
        self._means.merge(other._means)
        self._within += other._within.to(self._within.device)
        device = self._within.device
        self._open |= {image: (n, mean.to(device)) for image, (n, mean) in other._open.items()}
        self._closed |= other._closed
        self.dtype = dtype

    def between(self) -> Tensor:
        """Scatter of the image means, shape (dim, dim), float64: a sum, not divided."""
        self._ready(1)
        return self._means.covariance() * self.n_images

    def within(self) -> Tensor:
        """Scatter of the views about their image's mean, shape (dim, dim), float64: a sum."""
        self._ready(1)
        within = symmetric(self._within)
        check_no_overflow(within)
        return within

    def upper(self, *, give_away: bool = False) -> tuple[Tensor, Tensor]:
        """Upper triangles of (between, within), each the caller's own to overwrite.

        Args:
            give_away: Hand over the accumulator's own matrices instead of copies; it is reset.

        Raises:
            EmbeddingError: Fewer than two images, or some image without all of its views.
        """
        self._ready(2)
        between, within = self._means.upper_scatter(give_away=give_away), self._within
        if give_away:
            self.reset()
            return between, within
        return between, within.clone()

    @property
    def mean(self) -> Tensor:
        """Mean of the image means, shape (dim,), float64."""
        self._ready(1)
        return self._means.mean

    def _ready(self, fewest: int) -> None:
        if self._open:
            image, (seen, _) = next(iter(self._open.items()))
            raise EmbeddingError(
                f"image_ids: got {seen} view(s) of image {image} ({len(self._open)} image(s) in "
                f"all are not complete), wanted {self.n_views} of each; update with the missing "
                "views first."
            )
        if self.n_images < fewest:
            raise EmbeddingError(
                f"views: got {self.n_images} image(s), wanted at least {fewest}; the variance "
                "between images needs two (or call update first)."
            )

    def _require_n_views(self) -> int:
        if not self.n_views:
            raise EmbeddingError(
                "n_views: got None with flat rows and image_ids, wanted the number of views of "
                "each image, to know when an image is complete; pass n_views=…"
            )
        return self.n_views

    def _check(self, dim: int, n_views: int, like: Tensor) -> None:
        wanted = (self.n_views or n_views, self.dim or dim)
        if (n_views, dim) != wanted:
            raise EmbeddingError(
                f"views: got {n_views} view(s) of dim {dim}, wanted {wanted[0]} of dim {wanted[1]} "
                "as before; values over different numbers of views cannot be compared."
            )
        if self.dim == 0:
            device = torch.device("cpu") if like.device.type == "mps" else like.device
            self._within = torch.zeros(dim, dim, dtype=torch.float64, device=device)
            self.dtype = like.dtype
        self.n_views = n_views

    def _refuse_more_views(self, ids: NDArray[np.int64]) -> None:
        """Raise if a batch brings an image more views than it may have, before any is added."""
        distinct, counts = np.unique(ids, return_counts=True)
        more = [
            image
            for image, count in zip(distinct.tolist(), counts.tolist(), strict=True)
            if image in self._closed or count + self._open.get(image, (0,))[0] > self.n_views
        ]
        if more:
            raise EmbeddingError(
                f"image_ids: got more views of image {more[0]} (and of {len(more) - 1} more "
                f"images), wanted {self.n_views} of each; check n_views, and that each view is "
                "passed once."
            )

    def _add_grouped(self, views: Tensor) -> None:
        n_views = views.shape[1]
        self._check(views.shape[2], n_views, views)
        at_once = max(1, ROWS_AT_ONCE // 4 // n_views)
        for images in torch.split(views, ROWS_AT_ONCE):
            images = images.to(self._within.device)
            means = self._within.new_empty(len(images), self.dim)
            for few, mean in zip(
                torch.split(images, at_once), torch.split(means, at_once), strict=True
            ):
                torch.mean(to_float64(few), dim=1, out=mean)
            add_centred_gram(self._within, images, means[:, None])
            self._means.update(means)

    def _add_flat(self, rows: Tensor, ids: NDArray[np.int64]) -> None:
        _, counts = np.unique(ids, return_counts=True)
        order = np.argsort(ids, kind="stable")
        # The how-many-th view of its image each row is, within this batch.
        turn = np.empty_like(order)
        turn[order] = np.arange(len(ids)) - np.repeat(np.cumsum(counts) - counts, counts)
        for wave in range(int(counts.max())):
            chosen = np.flatnonzero(turn == wave)
            self._add_one_each(to_float64(rows[torch.from_numpy(chosen)]), ids[chosen].tolist())

    def _add_one_each(self, rows: Tensor, ids: list[int]) -> None:
        """Add one view of each of some images: Welford's update of their means and scatters."""
        new = (0, torch.zeros_like(rows[0]))
        known = [self._open.get(image, new) for image in ids]
        seen = torch.tensor([n for n, _ in known], dtype=torch.float64, device=rows.device)[:, None]
        means = torch.stack([mean for _, mean in known])
        shifts = rows - means
        means = means + shifts / (seen + 1)
        add_centred_gram(
            self._within, shifts * (seen / (seen + 1)).sqrt(), torch.zeros_like(new[1])
        )
        complete = []
        for image, (n, _), mean in zip(ids, known, means, strict=True):
            if n + 1 == self.n_views:
                self._open.pop(image)
                self._closed.add(image)
                complete.append(mean)
            else:
                # A copy: a row of `means` would keep all of its wave in memory.
                self._open[image] = (n + 1, mean.clone())
        if complete:
            self._means.update(torch.stack(complete))


ViewSource: TypeAlias = ArrayLike | ViewMoments
"""What LiDAR takes: grouped views, or an accumulator that has seen them."""


def view_moments_of(source: ViewSource) -> ViewMoments:
    """Return the accumulator itself, or a new one that has seen the grouped views.

    Raises:
        EmbeddingError: See `check_views`.

    Examples:
        >>> view_moments_of(torch.zeros(4, 2, 3)).n_images
        4
    """
    if isinstance(source, ViewMoments):
        return source
    moments = ViewMoments()
    moments._add_grouped(check_views(source))
    return moments


def _as_ids(image_ids: ArrayLike | list[int], n_rows: int) -> NDArray[np.int64]:
    ids = np.asarray(image_ids.detach().cpu() if isinstance(image_ids, Tensor) else image_ids)
    if ids.shape != (n_rows,) or not np.issubdtype(ids.dtype, np.integer):
        raise EmbeddingError(
            f"image_ids: got {ids.dtype} of shape {ids.shape}, wanted {n_rows} integers, one for "
            "each row of views: which image the row shows."
        )
    return ids.astype(np.int64)
