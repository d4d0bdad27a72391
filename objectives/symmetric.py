"""Symmetric rank-k updates and eigenvalues: the two costly steps, at half of the plain price."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
import torch
from scipy.linalg import blas, eigh, eigvalsh_tridiagonal, lapack
from threadpoolctl import ThreadpoolController
from torch import Tensor

from objectives.errors import InvalidArgumentError

PANEL = 1024
BLOCK = 256


def add_gram(upper: Tensor, rows: Tensor) -> None:
    """Add rowsᵀ rows to the upper triangle of a symmetric matrix, in place.

        upper_ij += Σ_r rows_ri rows_rj   for i ≤ j

    Half of the flops of a matrix product, which does not know that its result is symmetric. On the
    CPU it is BLAS's own routine for this (dsyrk); elsewhere panels of a product that stop at the
    diagonal.

    Args:
        upper: Shape (dim, dim), float64, contiguous. Below the diagonal nothing is promised.
        rows: Shape (n_rows, dim), float64, on the same device.

    Raises:
        InvalidArgumentError: The matrix is not contiguous float64.

    Examples:
        >>> upper = torch.zeros(2, 2, dtype=torch.float64)
        >>> add_gram(upper, torch.tensor([[1.0, 2.0]], dtype=torch.float64))
        >>> upper.triu().tolist()
        [[1.0, 2.0], [0.0, 4.0]]
    """
    _check_written_in_place(upper)
    if upper.device.type == "cpu":
        _add_gram_by_blas(upper, rows)
    else:
        _add_gram_by_panels(upper, rows)


def both_eigenvalues(upper: Tensor, mean: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Eigenvalues of a scatter matrix S, and of the Gram matrix S + count · mean meanᵀ.

    A Householder reflection H turns the mean onto the first axis, where the two matrices differ in
    one entry only. The reduction of H S H to a tridiagonal T, which is nearly all of the cost,
    keeps the first axis (Golub and Van Loan, "Matrix Computations", 8.3.1). So T serves both: the
    Gram matrix has the eigenvalues of T with count · ‖mean‖² added to its first entry. The unused
    triangle keeps S meanwhile, so no copy is made. On devices without that reduction each of the
    two is solved for itself.

    Args:
        upper: Upper triangle of S, shape (dim, dim), float64, contiguous, finite. The rest is
            overwritten.
        mean: Shape (dim,), float64.
        count: Rows that S was summed over.

    Returns:
        Of S, then of the Gram matrix, both shape (dim,), float64, descending, round-off included.

    Raises:
        InvalidArgumentError: The matrix is not contiguous float64.

    Examples:
        >>> scatter = torch.diag(torch.tensor([2.0, 1.0], dtype=torch.float64))
        >>> centred, gram = both_eigenvalues(scatter, torch.tensor([0.0, 1.0]).double(), 4)
        >>> [round(value, 9) for value in (*centred.tolist(), *gram.tolist())]
        [2.0, 1.0, 5.0, 2.0]
    """
    _check_written_in_place(upper)
    if upper.device.type == "cpu":
        return _both_by_one_reduction(upper, mean, count)
    return _both_one_by_one(upper, mean, count)


def eigenvalues(upper: Tensor) -> Tensor:
    """Eigenvalues of a symmetric matrix given by its upper triangle, descending.

    Examples:
        >>> eigenvalues(torch.tensor([[0.0, 1.0], [9.0, 0.0]], dtype=torch.float64)).tolist()
        [1.0, -1.0]
    """
    values: Tensor = torch.linalg.eigvalsh(upper, UPLO="U")
    return values.flip(0)


def generalised_eigenvalues(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Solve A v = λ B v for λ, with B positive definite, both given by their upper triangles.

    Args:
        numerator: A, shape (dim, dim), float64; overwritten.
        denominator: B, shape (dim, dim), float64; overwritten.

    Returns:
        λ, float64, shape (dim,), descending, round-off included.

    Examples:
        >>> a = torch.diag(torch.tensor([3.0, 4.0], dtype=torch.float64))
        >>> b = torch.diag(torch.tensor([1.0, 2.0], dtype=torch.float64))
        >>> [round(value, 9) for value in generalised_eigenvalues(a, b).tolist()]
        [3.0, 2.0]
    """
    if numerator.device.type == "cpu":
        return _generalised_by_lapack(numerator, denominator)
    return _generalised_by_cholesky(numerator, denominator)


def symmetric(upper: Tensor) -> Tensor:
    """Return the whole of a symmetric matrix from its upper triangle, as a new tensor.

    Examples:
        >>> symmetric(torch.tensor([[1.0, 2.0], [7.0, 3.0]])).tolist()
        [[1.0, 2.0], [2.0, 3.0]]
    """
    return upper.triu() + upper.triu(1).T


def _check_written_in_place(upper: Tensor) -> None:
    """Raise where BLAS would write to a copy, and the result would be lost."""
    if upper.dtype != torch.float64 or not upper.is_contiguous():
        raise InvalidArgumentError(
            f"upper: got {upper.dtype} with strides {upper.stride()} in shape "
            f"{tuple(upper.shape)}, wanted a contiguous float64 matrix, which is written in place; "
            "pass upper.double().contiguous() and keep that."
        )


def _add_gram_by_blas(upper: Tensor, rows: Tensor) -> None:
    with _torch_threads():
        # Transposed: Fortran's lower triangle is the upper one of a row-major matrix.
        blas.dsyrk(1.0, rows.numpy().T, beta=1.0, c=upper.numpy().T, lower=1, overwrite_c=1)


def _add_gram_by_panels(upper: Tensor, rows: Tensor) -> None:
    for start in range(0, upper.shape[0], PANEL):
        panel = slice(start, start + PANEL)
        upper[panel, start:].addmm_(rows[:, panel].T, rows[:, start:])


def _both_by_one_reduction(upper: Tensor, mean: Tensor, count: int) -> tuple[Tensor, Tensor]:
    length = float(torch.linalg.vector_norm(mean))
    diagonal_before = upper.diagonal().clone()
    mirror(upper)
    # Row-major read as column-major: the triangle that LAPACK reduces fastest is the one in use, so
    # that one is worked in, and brought back from the other.
    work = upper.numpy().T
    try:
        with _torch_threads():
            if length > 0.0:
                _reflect(work, mean.numpy() / length)
            _, diagonal, beside, _, _ = lapack.dsytrd(
                work, lower=1, lwork=64 * len(work), overwrite_a=1
            )
            centred = _tridiagonal_eigenvalues(diagonal, beside)
            diagonal[0] += count * length**2
            return centred, _tridiagonal_eigenvalues(diagonal, beside)
    finally:
        upper.diagonal().copy_(diagonal_before)
        mirror(upper.T)


def _both_one_by_one(upper: Tensor, mean: Tensor, count: int) -> tuple[Tensor, Tensor]:
    gram = upper + count * torch.outer(mean, mean)
    return eigenvalues(upper), eigenvalues(gram)


def _generalised_by_lapack(numerator: Tensor, denominator: Tensor) -> Tensor:
    with _torch_threads():
        values = eigh(
            numerator.numpy().T,
            denominator.numpy().T,
            eigvals_only=True,
            driver="gv",
            overwrite_a=True,
            overwrite_b=True,
            check_finite=False,
        )
    return torch.from_numpy(values[::-1].copy())


def _generalised_by_cholesky(numerator: Tensor, denominator: Tensor) -> Tensor:
    factor = torch.linalg.cholesky(symmetric(denominator))
    half = torch.linalg.solve_triangular(factor, symmetric(numerator), upper=False)
    whitened = torch.linalg.solve_triangular(factor, half.T, upper=False)
    return eigenvalues(whitened)


def mirror(upper: Tensor) -> None:
    """Copy the upper triangle onto the lower one, in place and without a second matrix.

    Examples:
        >>> upper = torch.tensor([[1.0, 2.0], [7.0, 3.0]])
        >>> mirror(upper)
        >>> upper.tolist()
        [[1.0, 2.0], [2.0, 3.0]]
    """
    # By numpy where it can be: torch's threads would wait for BLAS's, which still spin.
    matrix: Any = upper.numpy() if upper.device.type == "cpu" else upper
    for start in range(0, len(upper), BLOCK):
        panel = slice(start, start + BLOCK)
        matrix[panel, :start] = matrix[:start, panel].T
        block = matrix[panel, panel]
        row, column = np.tril_indices(len(block), -1)
        block[row, column] = block[column, row]


def _reflect(matrix: np.ndarray, direction: np.ndarray) -> None:
    """A to H A H in the lower triangle; H turns the direction onto the first axis."""
    normal = direction.copy()
    normal[0] += np.copysign(1.0, direction[0])
    normal /= np.linalg.norm(normal)
    image = blas.dsymv(1.0, matrix, normal, lower=1)
    image -= (normal @ image) * normal
    blas.dsyr2(-2.0, normal, image, a=matrix, lower=1, overwrite_a=1)


def _tridiagonal_eigenvalues(diagonal: np.ndarray, beside: np.ndarray) -> Tensor:
    if len(diagonal) == 1:
        return torch.from_numpy(diagonal.copy())
    values = eigvalsh_tridiagonal(diagonal, beside, lapack_driver="sterf", check_finite=False)
    return torch.from_numpy(values[::-1].copy())


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def _torch_threads() -> AbstractContextManager[object]:
    """SciPy's BLAS has threads of its own: give it as many as torch was given."""
    limit: AbstractContextManager[object] = _blas().limit(limits=torch.get_num_threads())
    return limit
