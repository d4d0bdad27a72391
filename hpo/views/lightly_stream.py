"""Views by Lightly's own transforms, a picture at a time, in a DataLoader."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from hpo.data.store import ImageStore
from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.views.recipe import ViewRecipe
from hpo.views.stream import epoch_order, epoch_seed

if TYPE_CHECKING:
    from PIL import Image

Transform = Callable[["Image.Image"], Tensor]
_MOST_WORKERS = 8  # more of them would wait for each other's results


class LightlyViews:
    """Pictures at their native size through Lightly's transforms, as Lightly's users train.

    Slower than `BatchedViews` by an order of magnitude on small images, but it sees every pixel of
    large pictures, and is the reference that the fast views are checked against. A view depends on
    the seed, the epoch and the image alone, not on the number of workers.

    Args:
        images: to train on.
        recipes: one per view; without a size, the views are as large as the store's images.
        normalisation: of the images.
        batch_size: images per step; an incomplete last batch is left out.
        seed: of order and draws.
        device: where the views are wanted.
        n_loader_workers: processes that make the views, >= 0; 0 makes them in the training's own.
            None for one less than torch has threads, at most 8.

    Raises:
        ConfigError: for a negative number of workers.
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
        n_loader_workers: int | None = None,
    ) -> None:
        self.images, self.normalisation = images, normalisation
        self.batch_size, self.seed, self.device = batch_size, seed, device
        if n_loader_workers is None:
            n_loader_workers = min(torch.get_num_threads() - 1, _MOST_WORKERS)
        if n_loader_workers < 0:
            raise ConfigError(f"n_loader_workers: got {n_loader_workers}, wanted 0 or more.")
        self.n_loader_workers = n_loader_workers
        size = images.shape[2]
        self.transforms = [lightly_transform(r, input_size=r.size or size) for r in recipes]

    def epoch(self, epoch: int) -> Generator[list[Tensor], None, None]:
        """Yield the batches of an epoch."""
        loader = DataLoader(
            _Pictures(self.images, self.transforms, epoch_seed(self.seed, epoch)),
            batch_size=self.batch_size,
            sampler=epoch_order(len(self.images), self.seed, epoch).tolist(),
            drop_last=True,
            num_workers=self.n_loader_workers,
            worker_init_fn=_leave_interrupts_to_the_parent,
            # Of its own, or the loader would take a draw of torch's and change the training's.
            generator=torch.Generator(),
        )
        batches = iter(loader)
        try:
            for views in batches:
                yield [self.normalisation(view.to(self.device)) for view in views]
        finally:
            # The loader ends its workers when it is collected, which a traceback can put off.
            getattr(batches, "_shutdown_workers", lambda: None)()


def lightly_transform(recipe: ViewRecipe, *, input_size: int) -> Transform:
    """Compose a recipe from Lightly's transforms: picture to float32 view in [0, 1].

    The same steps as in Lightly's `SimCLRViewTransform` and `BYOLView2Transform`, neither of which
    takes a largest crop, as multi-crop needs it.

    Args:
        recipe: what to draw.
        input_size: side of the view, in pixels.

    Returns:
        A function of a picture in mode L or RGB; its view has the shape (1 or 3, size, size). It
        draws from the global generators of torch and numpy.
    """
    from lightly.transforms.gaussian_blur import GaussianBlur
    from lightly.transforms.solarize import RandomSolarization
    from torchvision.transforms import v2

    jitter = v2.ColorJitter(
        brightness=recipe.cj_strength * recipe.cj_bright,
        contrast=recipe.cj_strength * recipe.cj_contrast,
        saturation=recipe.cj_strength * recipe.cj_sat,
        hue=recipe.cj_strength * recipe.cj_hue,
    )
    steps = [
        v2.RandomResizedCrop(input_size, scale=(recipe.min_scale, recipe.max_scale)),
        v2.RandomHorizontalFlip(recipe.hf_prob),
        v2.RandomApply([jitter], p=recipe.cj_prob),
        v2.RandomGrayscale(recipe.random_gray_scale),
        GaussianBlur(prob=recipe.gaussian_blur, sigmas=(recipe.min_sigma, recipe.max_sigma)),
        RandomSolarization(prob=recipe.solarization_prob),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.ToPureTensor(),
    ]
    transform: Transform = v2.Compose(steps)
    return transform


class _Pictures(Dataset[list[Tensor]]):
    """The views of each picture, by position."""

    def __init__(self, images: ImageStore, transforms: Sequence[Transform], seed: int) -> None:
        from lightly.transforms.multi_view_transform import MultiViewTransform

        self.images, self.seed = images, seed
        self.transform = MultiViewTransform(transforms)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> list[Tensor]:
        with _drawing_from(self.seed, position):
            return cast("list[Tensor]", self.transform(self.images.picture(position)))


@contextmanager
def _drawing_from(*seeds: int) -> Iterator[None]:
    """Seed the generators that the transforms draw from, and give them back as they were."""
    state = np.random.get_state()  # noqa: NPY002 - Lightly draws from the global generator
    with torch.random.fork_rng(devices=[]):
        words = np.random.SeedSequence(seeds).generate_state(3)
        # The generator of the CPU alone: `torch.manual_seed` would also seed those of a GPU.
        torch.default_generator.manual_seed(int(words[0]) << 32 | int(words[1]))
        np.random.seed(words[2])  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


def _leave_interrupts_to_the_parent(_: int) -> None:
    # Ctrl-C reaches every process of the terminal; the parent ends its epoch in good order, and
    # its workers with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
