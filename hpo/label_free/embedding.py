"""The embeddings of a user's own network: evaluation mode, no gradient, the same views always."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from hpo.embedding import evaluation_mode, project
from hpo.errors import ConfigError
from hpo.label_free.drawing import drawing
from hpo.label_free.yielded import Embeddings


def embed(
    network: nn.Module,
    images: Tensor,
    augment: Callable[[Tensor], Tensor] | None = None,
    *,
    projector: nn.Module | None = None,
    n_views: int = 10,
    seed: int = 0,
    batch_size: int = 256,
) -> Embeddings:
    """Embed images, and views of them, for the measures; changes nothing about the network.

    The views depend on the seed alone: they are the same at every rung of every trial, and what
    the training draws next is what it would have drawn without.

    Args:
        network: images to features (n, dim), the part that is kept after the pretraining.
        images: floating, as the network takes them; the same ones in every trial.
        augment: a batch of images to a batch of random views, drawing from torch's generator; None
            for no views, with which the default objective cannot be measured.
        projector: features to what the loss sees; None for none.
        n_views: of each image, at least 2.
        seed: of the views.
        batch_size: images at a time.

    Returns:
        Embeddings on the CPU, float32.

    Raises:
        ConfigError: for fewer than 2 views, and for views that are not one of each image.

    >>> images = torch.rand(8, 16)
    >>> embed(nn.Linear(16, 4), images, lambda x: x + torch.rand_like(x)).views.shape
    torch.Size([8, 10, 4])
    """
    if n_views < 2:
        raise ConfigError(f"n_views: got {n_views}; wanted at least 2.")
    device = _device_of(network, images)

    def features_of(batches: list[Tensor]) -> Tensor:
        return torch.cat([network(batch.to(device)).float().cpu() for batch in batches])

    batches = list(torch.split(images, batch_size))
    views = None
    with evaluation_mode(network):
        features = features_of(batches)
        if augment is not None:
            with drawing(device):
                torch.manual_seed(seed)
                drawn = [
                    features_of([_augmented(augment, b) for b in batches]) for _ in range(n_views)
                ]
            views = torch.stack(drawn, dim=1)
    if projector is None:
        return Embeddings(features, views)
    projected = project(projector, features, device=device)
    projected_views = None if views is None else project(projector, views, device=device)
    return Embeddings(features, views, projected, projected_views)


def _augmented(augment: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    views = augment(batch)
    if not isinstance(views, Tensor) or len(views) != len(batch):
        got = f"{len(views)} views" if isinstance(views, Tensor) else type(views).__name__
        raise ConfigError(
            f"augment: got {got} for a batch of {len(batch)} images; wanted a tensor with one view "
            "of each image, in their order."
        )
    return views


def _device_of(network: nn.Module, images: Tensor) -> torch.device:
    first = next(network.parameters(), None)
    return images.device if first is None else first.device
