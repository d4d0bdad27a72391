"""The inputs of the benchmark have the spectra that their errors are measured against."""

import numpy as np
import pytest
import scipy.linalg
import torch
from mpmath import mp, mpf
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.known_spectra import (
    SPECTRA,
    check_exact,
    embeddings,
    exact_squares,
    exact_whitened,
    powers_of_two,
    views,
)

N, Q, DIM = 300, 10, 64
EVERY_SPECTRUM = pytest.mark.parametrize("spectrum", sorted(SPECTRA))


def descending(values: list[mpf]) -> NDArray[np.float64]:
    return np.sort(np.array([float(value) for value in values]))[::-1]


@EVERY_SPECTRUM
def test_the_singular_values_are_the_exact_ones(spectrum: str) -> None:
    data = embeddings(N, DIM, spectrum)
    plain, centred = (descending(squares) ** 0.5 for squares in exact_squares(N, DIM, spectrum))
    rows = data.numpy().astype(np.float64)
    assert data.shape == (N, DIM)
    assert data.dtype == torch.float32
    found = np.linalg.svd(rows, compute_uv=False)
    np.testing.assert_allclose(found, plain, rtol=0, atol=1e-14 * plain[0])
    found = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(found, centred, rtol=0, atol=1e-14 * plain[0])


@pytest.mark.parametrize("spectrum", ["power", "levels"])
def test_the_whitened_eigenvalues_are_the_exact_ones(spectrum: str) -> None:
    data = views(N, Q, DIM, spectrum).numpy().astype(np.float64)
    means = data.mean(axis=1)
    about = data - means[:, None]
    within = np.einsum("nqi,nqj->ij", about, about) / (N * (Q - 1)) + 1e-4 * np.eye(DIM)
    factor = np.linalg.cholesky(within)
    whitened = scipy.linalg.solve_triangular(factor, (means - means.mean(axis=0)).T, lower=True)
    found = np.linalg.svd(whitened, compute_uv=False)
    exact = descending(exact_whitened(N, Q, DIM, spectrum, 1e-4))
    np.testing.assert_allclose(found**2 / (N - 1), exact, rtol=0, atol=1e-13 * exact[0])


@EVERY_SPECTRUM
def test_the_inner_products_are_exact(spectrum: str) -> None:
    check_exact(embeddings(N, DIM, spectrum), spectrum)
    if spectrum != "limit":
        check_exact(views(N, Q, DIM, spectrum), spectrum)


def spoilt(data: Tensor, where: tuple[int, ...], by: float) -> Tensor:
    data[where] += by
    return data


@pytest.mark.parametrize(
    "data",
    [
        spoilt(embeddings(N, DIM, "power"), (5, 0), 2.0**-9),
        spoilt(embeddings(N, DIM, "power"), (5, 0), 2.0**-20),
        embeddings(N, DIM, "levels"),
        spoilt(views(N, Q, DIM, "power"), (3, 9, 0), 2.0**-9),
        views(N, Q, DIM, "power").transpose(0, 1).reshape(N, Q, DIM),
    ],
    ids=["one entry", "a fraction", "another spectrum", "one view", "regrouped"],
)
def test_the_exactness_check_can_fail(data: Tensor) -> None:
    with pytest.raises(ArithmeticError, match="not exact"):
        check_exact(data, "power")


def test_rows_come_in_powers_of_two() -> None:
    assert powers_of_two(50_000, 8192) == [32768, 16384]
    assert powers_of_two(10_000, 1024) == [8192, 1024]


def test_the_mean_is_not_zero() -> None:
    """As embeddings have one: or the uncentred measures would be spared half of their work."""
    data = embeddings(N, DIM, "power").double()
    assert float(data.mean(dim=0).norm()) > 0.3
    with mp.workdps(50):
        plain, centred = exact_squares(N, DIM, "power")
        assert centred[0] / plain[0] == mpf(N - 256) / N
