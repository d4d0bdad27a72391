"""Alignment: how close the views of an image lie on the unit sphere."""

import math

import torch
from torch import Tensor

from objectives.embeddings import ArrayLike, check_views
from objectives.errors import InvalidArgumentError
from objectives.unit_vectors import check_directions, unit_vectors

NUMBERS_AT_ONCE = 1 << 22


def alignment(views: ArrayLike, *, power: float = 2.0) -> float:
    """Measure the mean distance between two views of the same image on the unit sphere.

        u = e / ‖e‖,   alignment = mean over images and pairs of views a < b of ‖u_a − u_b‖^power

    One half of a pair: it says whether views agree and nothing about whether images differ, so a
    constant network has the best value there is, 0. Never use it alone; `uniformity` is the other
    half, `view_retrieval` asks both at once.

    Args:
        views: Shape (n_images, n_views, dim), floating, any device, at least 2 images and 2 views:
            `views[i]` holds the views of image i. Projector outputs; not centred, scale-free.
        power: Exponent of the distance, above 0; the paper uses 2, which also costs least.

    Returns:
        Between 0 and 2^power; lower is better; unrelated views of an isotropic cloud give 2 at
        power 2. An unbiased mean: more images make it surer and do not shift it.

    Raises:
        EmbeddingError: See `check_views`; or an embedding is zero and has no direction.
        InvalidArgumentError: The power is not a finite number above 0.

    References:
        Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and
        Uniformity on the Hypersphere", ICML 2020, arXiv 2005.10242, section 4.1.

    Examples:
        >>> views = torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[0.0, 3.0], [0.0, 1.0]]])
        >>> round(alignment(views), 6), round(alignment(views, power=1.0), 6)
        (1.0, 0.707107)
    """
    if not 0.0 < power < math.inf:
        raise InvalidArgumentError(
            f"power: got {power!r}, wanted a finite number above 0; the paper uses 2."
        )
    checked = check_views(views)
    check_directions(checked, name="views")
    n_images, n_views, dim = checked.shape
    total = 0.0
    # In chunks: a float64 copy of all views at once would be the largest object by far.
    for chunk in torch.split(checked, max(1, NUMBERS_AT_ONCE // (n_views * dim))):
        units = unit_vectors(chunk)
        distances = _mean_square(units) if power == 2.0 else _mean_power(units, power)
        total += float(distances.sum())
    return total / n_images


def _mean_square(units: Tensor) -> Tensor:
    """Mean over pairs of ‖u_a − u_b‖², (n_images,): the pairs' sum is n_views · Σ ‖u_a − ū‖²."""
    spread = (units - units.mean(dim=1, keepdim=True)).square().sum(dim=(1, 2))
    return 2.0 * spread / (units.shape[1] - 1)


def _mean_power(units: Tensor, power: float) -> Tensor:
    """Mean over pairs of ‖u_a − u_b‖^power, (n_images,), pair by pair."""
    n_views = units.shape[1]
    sums = torch.zeros(units.shape[0], dtype=units.dtype, device=units.device)
    for first in range(n_views - 1):
        differences = units[:, first + 1 :] - units[:, first : first + 1]
        sums += torch.linalg.vector_norm(differences, dim=2).pow(power).sum(dim=1)
    return sums / (n_views * (n_views - 1) / 2)
