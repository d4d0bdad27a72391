"""Images in, features out: evaluation mode, no gradient, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hpo.batch_norm import batch_norms
from hpo.data.store import ImageStore, as_store
from hpo.views import ViewRecipe, random_views

# Enough for a mean to the third digit, few enough to decode before a study starts.
SAMPLED_IMAGES = 10_000
_IMAGES_AT_A_TIME = 256


@dataclass(frozen=True)
class Normalisation:
    """Per-channel mean and standard deviation of the training images, in [0, 1] units.

    Args:
        mean: one a channel.
        std: one a channel.
        n_sampled: how many images were looked at, chosen at random; 0 for all of them.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    n_sampled: int = 0

    @classmethod
    def of(cls, images: Tensor | ImageStore) -> Normalisation:
        """Measure it on uint8 images (n, channels, size, size).

        Of streamed images, which each have to be decoded for it, at most `SAMPLED_IMAGES` are
        looked at: always the same ones of so many.

        >>> Normalisation.of(torch.full((2, 1, 4, 4), 51, dtype=torch.uint8)).mean
        (0.2,)
        """
        store = as_store(images)
        positions = torch.arange(len(store))
        if store.is_streamed:
            order = torch.randperm(len(store), generator=torch.Generator().manual_seed(0))
            positions = order[:SAMPLED_IMAGES].sort().values
        channels = store.shape[1]
        counts = torch.zeros(channels, 256, dtype=torch.float64)
        for part in torch.split(positions, _IMAGES_AT_A_TIME):
            pixels = store.read(part)
            for channel in range(channels):
                # Histograms: exact, and no float copy of the images.
                values = pixels[:, channel].reshape(-1)
                counts[channel] += torch.bincount(values, minlength=256).double()
        levels = torch.arange(256, dtype=torch.float64) / 255.0
        shares = counts / counts.sum(1, keepdim=True)
        means = (shares * levels).sum(1, keepdim=True)
        stds = (shares * (levels - means) ** 2).sum(1).sqrt()
        return cls(
            tuple(round(mean, 6) for mean in means.flatten().tolist()),
            # A constant channel has no spread to divide by; 1 leaves it as it is.
            tuple(round(std, 6) or 1.0 for std in stds.tolist()),
            len(positions) if store.is_streamed else 0,
        )

    def __call__(self, pixels: Tensor) -> Tensor:
        """Normalise float pixels in [0, 1], shape (n, channels, size, size)."""
        normalised = (pixels - self._column(self.mean, pixels)).div_(self._column(self.std, pixels))
        return normalised.contiguous(memory_format=torch.channels_last)

    def apply_(self, pixels: Tensor) -> Tensor:
        """Normalise in place, whatever the memory format."""
        return pixels.sub_(self._column(self.mean, pixels)).div_(self._column(self.std, pixels))

    @staticmethod
    def _column(values: tuple[float, ...], pixels: Tensor) -> Tensor:
        return torch.tensor(values, device=pixels.device).view(1, -1, 1, 1)


@contextmanager
def evaluation_mode(*modules: nn.Module) -> Iterator[None]:
    """Put modules in evaluation mode without gradients, and every part back in its own mode."""
    with _modes_restored(*modules), torch.no_grad():
        for module in modules:
            module.eval()
        yield


@contextmanager
def _modes_restored(*modules: nn.Module) -> Iterator[None]:
    # Part by part: `train()` on the whole would also wake parts that were frozen in eval mode.
    modes = [(part, part.training) for module in modules for part in module.modules()]
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def embed(
    backbone: nn.Module,
    projector: nn.Module | None,
    images: Tensor,
    normalisation: Normalisation,
    *,
    device: torch.device,
    on_batch: Callable[[], None] = lambda: None,
    batch_size: int | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Embed clean images.

    Args:
        backbone: images to features h.
        projector: features h to embeddings z; None when only h is wanted.
        images: uint8 (n, channels, size, size).
        normalisation: the training images' own.
        device: where to compute.
        on_batch: called after each batch.
        batch_size: images at a time; no effect on the values beyond rounding. None: as many as
            suit the device.

    Returns:
        Features (n, dim) and embeddings (n, projector dim) or None; float32 on the CPU.
    """
    features, embeddings = [], []
    with evaluation_mode(backbone, *([projector] if projector is not None else [])):
        for batch in torch.split(images, batch_size or _batch_size(images, device)):
            h = backbone(normalisation(batch.to(device).float().div_(255.0)))
            features.append(h.float().cpu())
            if projector is not None:
                embeddings.append(projector(h).float().cpu())
            on_batch()
    return torch.cat(features), torch.cat(embeddings) if embeddings else None


def embed_views(
    backbone: nn.Module,
    images: Tensor,
    normalisation: Normalisation,
    *,
    recipe: ViewRecipe,
    n_views: int,
    seed: int,
    device: torch.device,
    on_batch: Callable[[], None] = lambda: None,
    batch_size: int | None = None,
) -> Tensor:
    """Embed `n_views` fixed random views of every image.

    The views depend on `seed`, `recipe` and `n_views` alone, so every trial of a study is
    measured on the same ones. They are drawn on the CPU for that reason.

    Returns:
        float32 (n_images, n_views, dim) on the CPU, grouped by image.
    """
    groups = []
    generator = torch.Generator().manual_seed(seed)
    with evaluation_mode(backbone):
        at_once = batch_size or _batch_size(images, device)
        for batch in torch.split(images, max(1, at_once // n_views)):
            views = random_views(batch.repeat_interleave(n_views, dim=0), recipe, generator)
            h = backbone(normalisation(views.to(device))).float().cpu()
            groups.append(h.view(len(batch), n_views, -1))
            on_batch()
    return torch.cat(groups)


def _batch_size(images: Tensor, device: torch.device) -> int:
    """So many that a processor's cache holds a layer of them; a GPU wants more."""
    if device.type == "cuda":
        return 512
    return max(16, min(256, 2**18 // images.shape[-1] ** 2))


def project(
    projector: nn.Module, features: Tensor, *, device: torch.device, batch_size: int = 4096
) -> Tensor:
    """Send features (..., dim) through the projector: embeddings (..., projector dim), float32.

    Args:
        projector: features h to embeddings z.
        features: float32, any leading shape, on the CPU.
        device: where to compute.
        batch_size: features at a time.
    """
    with evaluation_mode(projector):
        rows = torch.split(features.flatten(end_dim=-2), batch_size)
        projected = torch.cat([projector(h.to(device)).float().cpu() for h in rows])
    return projected.view(*features.shape[:-1], -1)


def calibrate_batch_norm(
    network: nn.Module,
    images: Tensor,
    normalisation: Normalisation,
    *,
    recipe: ViewRecipe,
    seed: int,
    device: torch.device,
    batch_size: int = 128,
) -> None:
    """Estimate BatchNorm's running statistics on views of images, leaving every weight as it is.

    An untrained network in evaluation mode normalises with mean 0 and variance 1, which describes
    no data. Only after this does it differ from a trained one by its weights alone; and only if
    the statistics come from views, as they do in training, and not from clean images.
    """
    norms = batch_norms(network)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average over the batches below
    generator = torch.Generator().manual_seed(seed)
    with _modes_restored(network), torch.no_grad():
        network.train()
        # Equal batches, because each counts the same in the average.
        for batch in torch.tensor_split(images, math.ceil(len(images) / batch_size)):
            if len(batch) > 1:
                network(normalisation(random_views(batch, recipe, generator).to(device)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
