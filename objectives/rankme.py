"""RankMe: the smooth rank of the embeddings."""

from objectives.errors import EmbeddingError
from objectives.moments import Source, moments_of
from objectives.spectrum import effective_rank


def rankme(embeddings: Source, *, epsilon: float = 1e-7) -> float:
    """Measure how many directions the embeddings use.

        p_k = σ_k(Z) / ‖σ(Z)‖₁ + ε,   RankMe(Z) = exp(−Σ_k p_k ln p_k),   k = 1 … min(N, K)

    To the letter: embeddings are not centred, the σ_k are singular values (not their squares), and
    ε is added outside the fraction. The paper never gives this ε; 1e-7 is what most ports use. The
    value grows with the sample count (198 at 256 samples, 404 at 5,120 for the same 512-d
    spectrum): compare only values over the same images. It is highest near initialisation and for
    wide projectors, so it ranks converged runs of one recipe and is not safe to maximise alone.

    For embeddings too many to hold, stream them through `SecondMoments` and pass that.

    Args:
        embeddings: Shape (n_samples, dim), floating, any device: projector outputs of images
            without training augmentation. At least dim + 1 samples; ten times dim is good. Or the
            `SecondMoments` of them.
        epsilon: ε ≥ 0, no unit. At 1e-5 wide embeddings exceed their own dim.

    Returns:
        Between 1 and min(n_samples, dim) at ε = 0, marginally above with ε; higher is better.
        Equal non-zero rows give 1: the uncentred convention sees this collapse.

    Raises:
        EmbeddingError: See `check_embeddings`; or all embeddings are zero, where σ/‖σ‖₁ is 0/0 and
            the paper defines no value.
        InvalidArgumentError: ε is negative or not finite.

    References:
        Garrido, Balestriero, Najman, LeCun, "RankMe", ICML 2023, arXiv 2210.02885, section 3.

    Examples:
        >>> import torch
        >>> round(rankme(torch.diag(torch.tensor([3.0, 1.0])), epsilon=0.0), 6)
        1.754765
    """
    moments = moments_of(embeddings)
    values = moments.singular_values()
    if not bool(values.any()):
        raise EmbeddingError(
            f"embeddings: got only zeros in shape {(moments.count, moments.dim)}, wanted at least "
            "one value that is not zero; RankMe of a zero matrix is 0/0, and the paper gives it no "
            "value: treat the run as collapsed."
        )
    return effective_rank(values, epsilon=epsilon)
