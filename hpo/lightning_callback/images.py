"""The images that are measured: the same every time, each once, on any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    DistributedSampler,
    RandomSampler,
    SequentialSampler,
)

from hpo.errors import ConfigError, DataError
from hpo.lightning_callback.batches import images_and_views
from hpo.lightning_callback.randomness import SeededItems, is_indexable, seed_for


@dataclass(frozen=True)
class MeasuringBatch:
    """Images to measure, with their places among all.

    Args:
        places: int64 (n,).
        images: (n, …), without augmentation where the loader gives any.
        views: each (n, …).
    """

    places: Tensor
    images: Tensor
    views: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class MeasuringImages:
    """Reads a loader's images in one fixed order, whatever the loader's own.

    Of a `DataLoader` over a data set with a length, the data set, the collate function and the
    loading processes are taken, and the sampler is not: it may shuffle, drop the last images, or
    repeat some to give all devices equally many. Any other iterable is read as it is.

    Args:
        loader: a DataLoader, or any iterable of batches that can be read again and again.
        transform: makes views of an image (channels, height, width); None where the loader's
            own, if it gives any, are to be taken. It returns a view, or a list of them.
        n_views: to make of an image, >= 2.
        seed: of the views.

    Raises:
        ConfigError: for a sampler that chooses among the images.
    """

    loader: Iterable[Any]
    transform: Callable[[Tensor], Tensor | Sequence[Tensor]] | None = None
    n_views: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.loader, Iterable):
            raise ConfigError(
                f"loader: got {type(self.loader).__name__}; wanted a DataLoader, or another "
                "iterable of batches."
            )
        if self.n_views < 2:
            raise ConfigError(f"n_views: got {self.n_views}; wanted at least 2.")
        if isinstance(self.loader, DataLoader) and self._is_reordered:
            _check_sampler(self.loader.sampler, len(self.loader.dataset))  # type: ignore[arg-type]

    def batches(
        self, rank: int = 0, world_size: int = 1, *, at_most: int | None = None
    ) -> Iterator[MeasuringBatch]:
        """Read the images of one process.

        Images are dealt out one by one, or batch by batch where they cannot be read by index;
        so none is read twice, and some process may get one fewer.

        Args:
            rank: of the process.
            world_size: how many processes share the images.
            at_most: images in all; None for all there are.

        Raises:
            DataError: for batches without images.
        """
        parts = self._reordered if self._is_reordered else self._as_they_come
        for places, batch in parts(rank, world_size, at_most):
            images, views = images_and_views(batch)
            if self.transform is not None:
                views = self._views(images, places)
            yield MeasuringBatch(places, images, views)

    @property
    def _is_reordered(self) -> bool:
        loader = self.loader
        if not isinstance(loader, DataLoader) or not is_indexable(loader.dataset):
            return False
        return loader.batch_sampler is not None

    def _reordered(
        self, rank: int, world_size: int, at_most: int | None
    ) -> Iterator[tuple[Tensor, Any]]:
        loader: Any = self.loader
        n_images = len(loader.dataset)
        mine = range(rank, n_images if at_most is None else min(n_images, at_most), world_size)
        size = getattr(loader.batch_sampler, "batch_size", None) or 1
        processes: dict[str, Any] = {}
        if loader.num_workers and len(mine) > size:
            processes = {
                "num_workers": loader.num_workers,
                "timeout": loader.timeout,
                "worker_init_fn": loader.worker_init_fn,
                "multiprocessing_context": loader.multiprocessing_context,
            }
        ordered: DataLoader[Any] = DataLoader(
            SeededItems(loader.dataset, mine, self.seed),
            batch_size=size,
            collate_fn=loader.collate_fn,
            pin_memory=loader.pin_memory,
            generator=torch.Generator().manual_seed(self.seed),
            **processes,
        )
        for number, batch in enumerate(ordered):
            yield torch.tensor(mine[number * size : (number + 1) * size]), batch

    def _as_they_come(
        self, rank: int, world_size: int, at_most: int | None
    ) -> Iterator[tuple[Tensor, Any]]:
        seed_for(self.seed)
        begin = 0
        for number, batch in enumerate(self.loader):
            if at_most is not None and begin >= at_most:
                return
            places = begin + torch.arange(len(images_and_views(batch)[0]))
            begin += len(places)
            if number % world_size == rank:
                yield places, batch

    def _views(self, images: Tensor, places: Tensor) -> tuple[Tensor, ...]:
        """Each image's own views, under a seed of its own: a batch would share one crop."""
        made = [
            self._views_of(image, place)
            for image, place in zip(images, places.tolist(), strict=True)
        ]
        return tuple(torch.stack(views) for views in zip(*made, strict=True))

    def _views_of(self, image: Tensor, place: int) -> list[Tensor]:
        views: list[Tensor] = []
        transform: Any = self.transform
        while len(views) < self.n_views:
            seed_for(self.seed, place, len(views))
            made = transform(image)
            more = [made] if isinstance(made, Tensor) else list(made)
            if not more or not all(isinstance(view, Tensor) for view in more):
                raise DataError(
                    f"views: got {type(made).__name__} from the transform; wanted a tensor like "
                    "the image, or a list of such."
                )
            views += more
        return views[: self.n_views]


def _check_sampler(sampler: Any, n_images: int) -> None:
    everything = isinstance(sampler, SequentialSampler | DistributedSampler) or (
        isinstance(sampler, RandomSampler) and sampler.num_samples == n_images
    )
    if not everything:
        raise ConfigError(
            f"loader: got a {type(sampler).__name__}, which chooses among the images; wanted all "
            "of a data set, so that every measure sees the same: choose with "
            "torch.utils.data.Subset(dataset, indices)."
        )
