"""Embeddings on the unit sphere."""

import torch
from torch import Tensor

from objectives.embeddings import to_float64
from objectives.errors import EmbeddingError


def check_directions(values: Tensor, *, name: str) -> None:
    """Raise if some embedding is zero, for which there is no point on the unit sphere.

    Args:
        values: Shape (..., dim), checked by `check_embeddings` or `check_views`.
        name: The argument's name, for the message.

    Raises:
        EmbeddingError: At least one embedding is exactly zero.

    Examples:
        >>> check_directions(torch.ones(3, 2), name="embeddings")
    """
    zero = (values == 0).all(dim=-1)
    if bool(zero.any()):
        raise EmbeddingError(
            f"{name}: got {int(zero.sum())} of {zero.numel()} embeddings that are all zero, wanted "
            "every one to have a direction; zero has no place on the unit sphere: treat the run as "
            "collapsed, or measure a layer before its last ReLU."
        )


def unit_vectors(values: Tensor) -> Tensor:
    """L2-normalise embeddings, without overflow or underflow at any magnitude.

    Args:
        values: Shape (..., dim), finite, none of them zero: see `check_directions`.

    Returns:
        float64, same shape, each of length 1 up to round-off.

    Examples:
        >>> unit_vectors(torch.tensor([[3e-30, 4e-30]])).tolist()
        [[0.6, 0.8]]
    """
    doubles = to_float64(values)
    # The square of 1e-200 is 0: the largest entry is brought to 1 before anything is squared.
    scaled = doubles / doubles.abs().amax(dim=-1, keepdim=True)
    units: Tensor = scaled / torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return units
