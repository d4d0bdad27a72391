"""Has a network moved away from where it began?

RankMe, LiDAR and α all look their best at or near random initialisation, so a search over the
learning rate picks a network that never learned unless somebody asks this question first.
"""

from __future__ import annotations

import torch
from torch import Tensor

from objectives.embeddings import ArrayLike, check_embeddings
from objectives.errors import EmbeddingError


def distance_from_initialisation(embeddings: ArrayLike, initial: ArrayLike) -> float:
    """Distance between the geometry of trained and of initial embeddings: 1 - linear CKA.

    With the columns of X and Y centred,

        1 - ||Y'X||_F^2 / (||X'X||_F ||Y'Y||_F)

    Args:
        embeddings: floating, shape (n_samples, dim): the images through the trained network.
        initial: floating, shape (n_samples, dim_0): the same images in the same order through the
            same network before training. Its BatchNorm statistics must have been estimated on
            data: otherwise they, and not the weights, make the difference.

    Returns:
        In [0, 1]: 0 for the same geometry (up to rotation, shift and scale), larger after more
        learning. No direction: a collapsed network has moved too.

    Raises:
        EmbeddingError: when the shapes do not fit, or either input is constant or not finite.

    Source:
        Kornblith et al. 2019 (arXiv 1905.00414), section 3, linear CKA.

    >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    >>> round(distance_from_initialisation(2 * x + 1, x), 6)
    0.0
    >>> y = torch.tensor([[1.0], [-1.0], [0.0]])
    >>> round(distance_from_initialisation(x, y), 4)
    0.6838
    """
    trained, untrained = check_embeddings(embeddings), check_embeddings(initial, name="initial")
    if len(trained) != len(untrained):
        raise EmbeddingError(
            f"embeddings, initial: got shapes {tuple(trained.shape)} and "
            f"{tuple(untrained.shape)}; wanted (n_samples, dim) with the same n_samples: embed the "
            "same images with both networks."
        )
    x, y = _centred(trained, "embeddings"), _centred(untrained, "initial")
    cross: Tensor = torch.linalg.matrix_norm(y.T @ x) ** 2
    alone = torch.linalg.matrix_norm(x.T @ x) * torch.linalg.matrix_norm(y.T @ y)
    # Rounding may leave the quotient a hair above 1, where the distance has no meaning.
    return max(0.0, 1.0 - float(cross / alone))


def _centred(embeddings: Tensor, name: str) -> Tensor:
    values = embeddings.to("cpu", torch.float64)
    centred = values - values.mean(dim=0)
    scale = centred.abs().max()
    if scale <= 1e-12 * values.abs().max() or scale == 0:
        raise EmbeddingError(f"{name}: every sample is the same; a point has no geometry.")
    return centred / scale


__all__ = ["distance_from_initialisation"]
