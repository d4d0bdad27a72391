"""The spectra of embeddings, and the effective rank of a spectrum."""

import torch
from torch import Tensor

from objectives.embeddings import check_non_negative
from objectives.moments import Source, moments_of


def singular_values(embeddings: Source, *, centred: bool = False) -> Tensor:
    """Singular values of a matrix of embeddings, largest first.

        σ_k(Z) = √λ_k(ZᵀZ) = √λ_k(ZZᵀ),   k = 1 … min(n_samples, dim)

    The smaller of the two Gram matrices is formed in float64 whatever the input's dtype, which
    agrees with a full SVD at a fraction of its time. Squaring hides singular values below about
    1e-8 of the largest; those are set to exactly 0 and not left as the square root of round-off.
    For a spectrum that lives on these, pass `torch.linalg.svdvals(z.double())` to `effective_rank`.

    Args:
        embeddings: Shape (n_samples, dim), floating, any device; see `check_embeddings`. Or the
            `SecondMoments` of them.
        centred: Subtract the mean embedding first. RankMe does not.

    Returns:
        float64, shape (min(n_samples, dim),), descending, on the input's device, each at least 0.

    Raises:
        EmbeddingError: See `check_embeddings`; or moments that have seen nothing.

    Examples:
        >>> z = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
        >>> [round(value, 9) for value in singular_values(z).tolist()]
        [3.0, 1.0]
    """
    return moments_of(embeddings).singular_values(centred=centred)


def covariance_eigenvalues(embeddings: Source) -> Tensor:
    """Eigenvalues of the covariance of embeddings, largest first.

        Ĉ = (1/N) Σ z zᵀ − z̄ z̄ᵀ,   λ_k(Ĉ)

    Args:
        embeddings: Shape (n_samples, dim), at least 2 samples, floating, any device; see
            `check_embeddings`. Or the `SecondMoments` of them.

    Returns:
        float64, shape (min(n_samples − 1, dim),), descending, in squared embedding units.

    Raises:
        EmbeddingError: See `check_embeddings`; or a single sample.

    Examples:
        >>> z = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> [round(value, 9) for value in covariance_eigenvalues(z).tolist()]
        [2.0, 0.5]
    """
    return moments_of(embeddings).covariance_eigenvalues()


def effective_rank(weights: Tensor, *, epsilon: float = 0.0) -> float:
    """Exponential of the entropy of a non-negative spectrum.

        p_k = w_k / Σ w + ε,   erank = exp(−Σ p_k ln p_k),   0 · ln 0 = 0

    Args:
        weights: Shape (k,), finite, each at least 0: singular values for RankMe, eigenvalues for
            LiDAR. Zeros count: with ε > 0 each adds a little.
        epsilon: ε, outside the fraction, so that the p_k sum to 1 + k·ε.

    Returns:
        Between 1 and k at ε = 0; a flat spectrum gives k. With ε > 0 a little above: k = 2048 flat
        at 1e-7 reads ×1.001358. nan when every weight is 0, which leaves 0/0.

    Raises:
        InvalidArgumentError: ε is negative or not finite.

    References:
        Roy and Vetterli, "The effective rank", EUSIPCO 2007 (ε = 0).

    Examples:
        >>> round(effective_rank(torch.tensor([3.0, 1.0])), 8)
        1.75476535
    """
    check_non_negative(epsilon, name="epsilon")
    values = weights.to(torch.float64)
    total = values.sum()
    if float(total) == 0.0:
        return float("nan")
    return float(torch.special.entr(values / total + epsilon).sum().exp())
