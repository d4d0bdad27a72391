"""The spectrum of fewer embeddings than dimensions, from the smaller Gram matrix."""

from torch import Tensor

from objectives.embeddings import to_float64
from objectives.round_off import check_no_overflow, cut_round_off, mean_round_off
from objectives.symmetric import eigenvalues


def wide_squares(embeddings: Tensor, *, centred: bool) -> Tensor:
    """Squared singular values by ZZᵀ: for fewer rows than dims, the smaller Gram matrix.

    Args:
        embeddings: Shape (n_samples, dim), floating, finite; not changed.
        centred: Subtract the mean embedding first.

    Returns:
        float64, shape (n_samples,), descending, round-off set to 0.

    Raises:
        EmbeddingError: The squares overflow float64.

    Examples:
        >>> import torch
        >>> wide_squares(torch.tensor([[3.0, 0.0, 4.0]]), centred=False).tolist()
        [25.0]
    """
    values = to_float64(embeddings)
    floor = 0.0
    if centred:
        mean = values.mean(dim=0)
        values = values - mean
        floor = len(values) * mean_round_off(mean)
    gram = values @ values.T
    check_no_overflow(gram)
    return cut_round_off(eigenvalues(gram), longest_side=values.shape[1], floor=floor)
