"""Participation ratio: how many directions share the variance."""

from objectives.moments import Source, moments_of


def participation_ratio(embeddings: Source) -> float:
    """Count the directions that take part in the variance.

        PR = (Σ_k λ_k)² / Σ_k λ_k²,   λ = eigenvalues of the centred covariance

    The order-2 relative of the effective rank: more moved by large eigenvalues, less by the tail.
    From N samples it is biased low by about PR / N of its value; compare at equal N.

    Args:
        embeddings: Shape (n_samples, dim), at least 2 samples, floating, any device; or the
            `SecondMoments` of them.

    Returns:
        Between 1 and min(n_samples − 1, dim); higher is better. Blind to collapse onto a constant
        vector, as everything centred; nan when all embeddings are equal.

    Raises:
        EmbeddingError: See `check_embeddings`; or a single sample.

    References:
        Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement", bioRxiv
        214262 (2017), equation 4; the bias: Chun et al., ICLR 2026.

    Examples:
        >>> import torch
        >>> z = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> round(participation_ratio(z), 6)
        1.219512
    """
    eigenvalues = moments_of(embeddings).covariance_eigenvalues()
    # Scaled first: squares of squares would leave the range of float64 early. 0/0 is nan.
    shares = eigenvalues / eigenvalues.sum()
    return float(1.0 / shares.square().sum())
