"""Stable rank, and its centred form NESum: all of the spectrum in units of its largest value."""

from objectives.errors import EmbeddingError
from objectives.moments import Source, moments_of


def stable_rank(embeddings: Source) -> float:
    """Measure the energy of the embeddings in units of their strongest direction.

        ‖Z‖_F² / ‖Z‖_2² = Σ_k σ_k² / σ_1²

    Uncentred: a long mean is the strongest direction, and the value falls towards 1. It sees
    nothing but the share of the first direction, and is stable against noise for that reason.

    Args:
        embeddings: Shape (n_samples, dim), floating, any device; or the `SecondMoments` of them.

    Returns:
        Between 1 and min(n_samples, dim); higher is better, with the warnings of `rankme`.

    Raises:
        EmbeddingError: See `check_embeddings`; or all embeddings are zero, which leaves 0/0.

    References:
        Rudelson and Vershynin, "Sampling from large matrices", J. ACM 54 (2007), section 1.

    Examples:
        >>> import torch
        >>> round(stable_rank(torch.diag(torch.tensor([2.0, 1.0, 1.0]))), 9)
        1.5
    """
    squares = moments_of(embeddings).singular_values().square()
    if not float(squares[0]):
        raise EmbeddingError(
            "embeddings: got only zeros, wanted at least one value that is not zero; the stable "
            "rank of a zero matrix is 0/0: treat the run as collapsed."
        )
    return float(squares.sum() / squares[0])


def nesum(embeddings: Source) -> float:
    """Normalised eigenvalue sum: the variance in units of the largest variance of a direction.

        NESum = Σ_k λ_k(Ĉ) / λ_1(Ĉ),   Ĉ the centred covariance

    Args:
        embeddings: Shape (n_samples, dim), at least 2 samples, floating, any device; or the
            `SecondMoments` of them.

    Returns:
        Between 1 and min(n_samples − 1, dim); higher is better. Blind to collapse onto a constant
        vector, as everything centred; nan when all embeddings are equal.

    Raises:
        EmbeddingError: See `check_embeddings`; or a single sample.

    References:
        He and Ozay, "Exploring the Gap between Collapsed and Whitened Features in Self-Supervised
        Learning", ICML 2022, section 4.

    Examples:
        >>> import torch
        >>> z = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> round(nesum(z), 9)
        1.25
    """
    eigenvalues = moments_of(embeddings).covariance_eigenvalues()
    return float(eigenvalues.sum() / eigenvalues[0])  # 0/0 is nan
