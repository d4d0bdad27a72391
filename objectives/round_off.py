"""Where spectrum ends and round-off begins."""

import torch
from torch import Tensor

from objectives.embeddings import count_not_finite
from objectives.errors import EmbeddingError

EPS64 = torch.finfo(torch.float64).eps


def cut_round_off(eigenvalues: Tensor, *, longest_side: int, floor: float = 0.0) -> Tensor:
    """Set to 0 what is round-off among the eigenvalues of a positive semi-definite matrix.

    An eigensolver in float64 leaves errors of the order of eps · λ_max on every eigenvalue, some of
    them negative. They are not spectrum: their logarithm would enter α-ReQ's fit and their square
    root, 1e-8 · σ_max each, RankMe's sum. So all at or below 4 · √longest_side · eps · λ_max are 0.
    Sums of n rounded products err by about √n · eps, not n · eps; what is seen is a thirtieth of
    the bound, and a bound of n · eps would take true singular values of 2e-6 · σ_max with it.

    Args:
        eigenvalues: Shape (k,), float64, descending.
        longest_side: The longer side of the data matrix that the matrix was formed from.
        floor: A further, absolute bound: what round-off in the data alone can produce.

    Returns:
        float64, shape (k,), descending, each 0 or above the bounds.

    Examples:
        >>> cut_round_off(torch.tensor([4.0, 1.0, -1e-17]).double(), longest_side=3)
        tensor([4., 1., 0.], dtype=torch.float64)
    """
    tolerance = max(4.0 * longest_side**0.5 * EPS64 * float(eigenvalues[0]), floor)
    return torch.where(eigenvalues > tolerance, eigenvalues, 0.0)


def mean_round_off(mean: Tensor) -> float:
    """Squared length that rounding alone can give to one row minus the mean.

    Equal rows of 0.1 do not average to exactly 0.1: the centred rows are then 1e-17 and not 0, and
    a scale-free measure would read a full spectrum from them. A float64 mean over many rows is good
    to a few eps of its length; 16 eps is above that and far below any spread a network can show.

    Examples:
        >>> mean_round_off(torch.tensor([1.0, 0.0])) < 1e-28
        True
    """
    return square_round_off(float(mean.square().sum()))


def square_round_off(square_norm: float) -> float:
    """Squared length of the round-off in the mean of rows whose mean squared length is given.

    Examples:
        >>> square_round_off(4.0) < 1e-28
        True
    """
    return (16 * EPS64) ** 2 * square_norm


def check_no_overflow(matrix: Tensor) -> None:
    """Raise if sums of squares of the (finite) embeddings are beyond float64.

    Raises:
        EmbeddingError: Some entry is infinite or not a number.

    Examples:
        >>> check_no_overflow(torch.eye(2))
    """
    if count_not_finite(matrix.reshape(-1, matrix.shape[-1] if matrix.ndim else 1)):
        raise EmbeddingError(
            "embeddings: got values whose squares overflow float64, wanted magnitudes below 1e150; "
            "the run has exploded: treat it as failed."
        )
