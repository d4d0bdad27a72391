"""Images and views, out of whatever batch a loader gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from hpo.errors import DataError

_WANTED = (
    "wanted images (n, channels, height, width), or a tuple whose first part is that or a list of "
    "views of the images, as Lightly's (views, labels, filenames)"
)


def images_and_views(batch: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Find the images in a batch, and their views.

    Args:
        batch: images; (images, …), such as (images, labels); (views, …) with a list of tensors, as
            Lightly's loaders give; or views alone.

    Returns:
        Images (n, …) and their views, each (n, …). Where there are only views, the first is the
        image too; views of another size than the first (local crops) are left out. No views where
        there are images only.

    Raises:
        DataError: for anything else.

    >>> import torch
    >>> two = [torch.zeros(4, 3, 8, 8), torch.ones(4, 3, 8, 8)]
    >>> images, views = images_and_views((two, torch.arange(4), ["a", "b", "c", "d"]))
    >>> tuple(images.shape), len(views)
    ((4, 3, 8, 8), 2)
    """
    if isinstance(batch, Tensor):
        return _image_batch(batch), ()
    if not isinstance(batch, Sequence) or isinstance(batch, str) or not batch:
        raise DataError(
            f"loader: got a batch that is a {type(batch).__name__}; {_WANTED}. Give the loader a "
            "collate_fn that makes one."
        )
    first = batch[0]
    if isinstance(first, Sequence) and not isinstance(first, str):
        return _views(first)
    if _is_views(batch):
        return _views(batch)
    return _image_batch(first), ()


def _is_views(batch: Sequence[Any]) -> bool:
    """Whether a batch is nothing but views: two or more equal batches of images, without labels."""
    tensors = [part for part in batch if isinstance(part, Tensor)]
    if len(tensors) < max(2, len(batch)) or tensors[0].ndim < 3:
        return False
    return all(tensor.shape == tensors[0].shape for tensor in tensors)


def _views(views: Sequence[Any]) -> tuple[Tensor, tuple[Tensor, ...]]:
    if not views:
        raise DataError(f"loader: got a batch with an empty list; {_WANTED}.")
    first = _image_batch(views[0])
    same = tuple(v for v in views if isinstance(v, Tensor) and v.shape == first.shape)
    return first, same if len(same) > 1 else ()


def _image_batch(part: Any) -> Tensor:
    if not isinstance(part, Tensor) or part.ndim < 2:
        got = f"shape {tuple(part.shape)}" if isinstance(part, Tensor) else type(part).__name__
        raise DataError(f"loader: got {got} where the images of a batch should be; {_WANTED}.")
    return part
