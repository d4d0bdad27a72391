"""Self-cluster: how much the embeddings crowd together on the unit sphere."""

import torch
from torch import Tensor

from objectives.embeddings import ArrayLike, check_embeddings, to_float64
from objectives.errors import EmbeddingError
from objectives.unit_vectors import check_directions, unit_vectors

ROWS_AT_ONCE = 8192


def self_cluster(embeddings: ArrayLike) -> float:
    """Measure the squared cosines between embeddings, against those of a uniform cloud.

        u = z / ‖z‖,   Q = Σ_i Σ_j (u_i · u_j)² = ‖UᵀU‖_F²
        SelfCluster = (Q − N − N(N−1)/D) / (N² − N − N(N−1)/D)

    That is the mean squared cosine between two different embeddings, 1/D for a uniform cloud and 1
    on a line, put on a scale from 0 to 1. Embeddings are not centred, so it sees the collapse onto
    a constant vector. A squared cosine cannot tell v from −v: two opposite clusters read 1. Like
    every measure of spread it is lowest for noise that ignores the image.

    The paper prints Q as the norm, not its square; the expectation N + N(N−1)/D and the maximum N²
    are those of the square, and the authors' code squares. That code also adds 1e-12 to every
    entry, which this does not.

    Args:
        embeddings: Shape (n_samples, dim), floating, any device, at least 2 samples of at least 2
            dimensions: backbone features, one view an image.

    Returns:
        Between −1 / (max(n_samples, dim) − 1) and 1; lower is better; 0 on average for a uniform
        cloud at any sample count, 1 when all embeddings lie on one line through 0.

    Raises:
        EmbeddingError: See `check_embeddings`; or a single sample, or a single dimension, where
            the formula is 0/0; or an embedding is zero and has no direction.

    References:
        Tsitsulin, Munkhoeva, Perozzi, "Unsupervised Embedding Quality Evaluation", 2023, arXiv
        2305.16562, definition 3.5; ‖UᵀU‖_F for ‖UUᵀ‖_F as both have the same singular values.

    Examples:
        >>> round(self_cluster(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])), 6)
        -0.333333
    """
    checked = check_embeddings(embeddings)
    n_samples, dim = checked.shape
    if n_samples < 2 or dim < 2:
        raise EmbeddingError(
            f"embeddings: got shape ({n_samples}, {dim}), wanted at least 2 samples of at least 2 "
            "dimensions; one sample has no pairs, and in one dimension all cosines are 1 or −1, by "
            "chance as well."
        )
    check_directions(checked, name="embeddings")
    squared_cosines = float(_smaller_gram(checked).square().sum())
    by_chance = n_samples + n_samples * (n_samples - 1) / dim
    return (squared_cosines - by_chance) / (n_samples**2 - by_chance)


def _smaller_gram(embeddings: Tensor) -> Tensor:
    """UᵀU or UUᵀ, whichever is smaller: their Frobenius norms are equal."""
    n_samples, dim = embeddings.shape
    if n_samples < dim:
        units = unit_vectors(embeddings)
        return units @ units.T
    gram = to_float64(embeddings.new_zeros(dim, dim))
    for rows in torch.split(embeddings, ROWS_AT_ONCE):
        units = unit_vectors(rows)
        gram += units.T @ units
    return gram
