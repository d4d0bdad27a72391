"""The effective rank of the covariance: what other libraries call RankMe."""

from objectives.embeddings import check_non_negative
from objectives.moments import Source, moments_of
from objectives.spectrum import effective_rank


def covariance_rank(embeddings: Source, *, epsilon: float = 1e-7, centred: bool = True) -> float:
    """Effective rank from eigenvalues instead of singular values.

        p_k = λ_k / Σ λ + ε,   exp(−Σ_k p_k ln p_k),   λ = eigenvalues of the covariance of Z

    reptrix and ssrlib publish this statistic as RankMe. It is another one, since λ = σ²: 72 where
    RankMe is 205, for a k^-1 spectrum in 256 dimensions. Here it has its own name, for people who
    compare with them.

    Args:
        embeddings: Shape (n_samples, dim), at least 2 samples, floating, any device; or the
            `SecondMoments` of them.
        epsilon: ε ≥ 0, outside the fraction, no unit.
        centred: Subtract the mean first, as both do by default. Centred it does not see collapse
            onto a constant vector; uncentred a long mean outweighs everything.

    Returns:
        Between 1 and min(n_samples − 1, dim) at ε = 0 (n_samples uncentred); higher is better, with
        the warnings of `rankme`. nan when there is no variance at all.

    Raises:
        EmbeddingError: See `check_embeddings`; or a single sample.
        InvalidArgumentError: ε is negative or not finite.

    References:
        Roy and Vetterli, "The effective rank", EUSIPCO 2007, applied to the covariance; reptrix
        0.1.0 `get_rankme` (ε = 1e-7), ssrlib 0.2.0 `RankMeProcessor` (ε = 0).

    Examples:
        >>> import torch
        >>> z = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> round(covariance_rank(z, epsilon=0.0), 6)
        1.384145
    """
    check_non_negative(epsilon, name="epsilon")
    moments = moments_of(embeddings)
    centred_eigenvalues = moments.covariance_eigenvalues()
    if centred:
        return effective_rank(centred_eigenvalues, epsilon=epsilon)
    return effective_rank(moments.singular_values().square(), epsilon=epsilon)
