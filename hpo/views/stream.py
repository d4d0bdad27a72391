"""Batches of views, epoch after epoch: where they come from is a choice of pipeline."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Literal, Protocol

import torch
from torch import Tensor

from hpo.data.store import ImageStore
from hpo.embedding import Normalisation
from hpo.views.batched import random_views
from hpo.views.prefetching import read_ahead
from hpo.views.recipe import ViewRecipe

Pipeline = Literal["batched", "lightly"]


class ViewStream(Protocol):
    """A source of batches that are the same whenever the same epoch is asked for."""

    def epoch(self, epoch: int) -> Generator[list[Tensor], None, None]:
        """Yield the batches of an epoch, each one normalised float32 tensor per view.

        A generator: whoever leaves an epoch early closes it, as `contextlib.closing` does, and
        with it the threads or processes that make the views.

        Args:
            epoch: from 0. The draws depend on it and on the seed alone, so that a training that
                goes on from a checkpoint sees what it would have seen.
        """
        ...


class BatchedViews:
    """Views drawn for a whole batch at once, on the device.

    Images of a store that reads from the disk (`is_streamed`) are read while the batch before is
    trained on.

    Args:
        images: to train on.
        recipes: one per view.
        normalisation: of the images.
        batch_size: images per step; an incomplete last batch is left out.
        seed: of order and draws.
        device: where to draw.
    """

    def __init__(
        self,
        images: ImageStore,
        recipes: Sequence[ViewRecipe],
        normalisation: Normalisation,
        *,
        batch_size: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.images, self.recipes, self.normalisation = images, list(recipes), normalisation
        self.batch_size, self.seed, self.device = batch_size, seed, device

    def epoch(self, epoch: int) -> Generator[list[Tensor], None, None]:
        """Yield the batches of an epoch."""
        drawing = torch.Generator(self.device)
        drawing.manual_seed(epoch_seed(self.seed, epoch) + 1)
        with closing(self._batches(epoch_order(len(self.images), self.seed, epoch))) as batches:
            for read in batches:
                batch = read.to(self.device)
                yield [
                    random_views(batch, recipe, drawing, normalisation=self.normalisation)
                    for recipe in self.recipes
                ]

    def _batches(self, order: Tensor) -> Generator[Tensor, None, None]:
        n_batches = len(order) // self.batch_size
        places = torch.split(order[: n_batches * self.batch_size], self.batch_size)
        if self.images.is_streamed:
            yield from read_ahead(self.images.read, places)
        else:
            yield from map(self.images.read, places)


def open_stream(
    pipeline: Pipeline,
    images: ImageStore,
    recipes: Sequence[ViewRecipe],
    normalisation: Normalisation,
    *,
    batch_size: int,
    seed: int,
    device: torch.device,
    n_loader_workers: int | None = None,
) -> ViewStream:
    """Return the stream of a pipeline.

    Args:
        pipeline: "batched", or "lightly" for Lightly's own transforms in a DataLoader.
        images: to train on.
        recipes: one per view.
        normalisation: of the images.
        batch_size: images per step.
        seed: of order and draws.
        device: where the views are wanted.
        n_loader_workers: processes that make the views of "lightly", >= 0; None for one less than
            torch has threads, which is none in a trial on one thread. The views do not depend on
            it.
    """
    if pipeline == "batched":
        return BatchedViews(
            images, recipes, normalisation, batch_size=batch_size, seed=seed, device=device
        )
    from hpo.views.lightly_stream import LightlyViews

    return LightlyViews(
        images,
        recipes,
        normalisation,
        batch_size=batch_size,
        seed=seed,
        device=device,
        n_loader_workers=n_loader_workers,
    )


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of one epoch's draws.

    >>> epoch_seed(0, 1)
    7919
    """
    return (seed * 1_000_003 + epoch * 7_919) % (2**62)


def epoch_order(n_images: int, seed: int, epoch: int) -> Tensor:
    """Return the order of the images in an epoch, int64 (n_images,).

    >>> epoch_order(4, 0, 0).sort().values
    tensor([0, 1, 2, 3])
    """
    generator = torch.Generator().manual_seed(epoch_seed(seed, epoch))
    return torch.randperm(n_images, generator=generator)
