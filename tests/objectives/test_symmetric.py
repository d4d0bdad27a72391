"""Rank-k updates and eigenvalues against numpy's full matrices and `numpy.linalg.eigvalsh`."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from objectives import InvalidArgumentError
from objectives import symmetric as module
from objectives.symmetric import (
    PANEL,
    add_gram,
    both_eigenvalues,
    eigenvalues,
    generalised_eigenvalues,
    symmetric,
)
from tests.objectives.builders import QUICK, gaussian, numpy64, rotation

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
on_every_device = pytest.mark.parametrize("device", DEVICES)

# The branches of other devices, which run on CPU tensors as well.
add_gram_by = pytest.mark.parametrize(
    "add", [module._add_gram_by_blas, module._add_gram_by_panels], ids=["blas", "panels"]
)
both_by = pytest.mark.parametrize(
    "both", [module._both_by_one_reduction, module._both_one_by_one], ids=["reduction", "two"]
)
generalised_by = pytest.mark.parametrize(
    "generalised",
    [module._generalised_by_lapack, module._generalised_by_cholesky],
    ids=["lapack", "cholesky"],
)
Add = Callable[[Tensor, Tensor], None]
Both = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]


def positive(dim: int, *, rank: int | None = None, seed: int = 0) -> NDArray[np.float64]:
    """A positive semi-definite matrix of full rank, or of the one given."""
    rows = numpy64(gaussian(rank or dim + 3, dim, seed=seed))
    return rows.T @ rows


def with_garbage_below(whole: NDArray[np.float64]) -> Tensor:
    below = np.tril(np.full_like(whole, 1e3), -1)
    return torch.from_numpy(np.triu(whole) + below)


def descending(whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.eigvalsh(whole)[::-1]


def assert_spectrum(found: Tensor, expected: NDArray[np.float64], relative: float = 1e-12) -> None:
    """Equal relative to the largest value, and in the same order."""
    assert found.dtype == torch.float64
    assert found.shape == expected.shape
    assert np.abs(found.cpu().numpy() - expected).max() <= relative * np.abs(expected).max()


# Rank-k updates


@add_gram_by
@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 8, 13])
@pytest.mark.parametrize("n_rows", [1, 2, 20])
def test_add_gram(add: Add, dim: int, n_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PANEL", 4)
    before, rows = positive(dim), gaussian(n_rows, dim, seed=1)
    upper = torch.from_numpy(before.copy())
    add(upper, rows)
    add(upper, 2 * rows)
    expected = np.triu(before + 5 * numpy64(rows).T @ numpy64(rows))
    np.testing.assert_allclose(np.triu(upper.numpy()), expected, rtol=1e-12, atol=1e-12)


@on_every_device
@pytest.mark.parametrize("dim", [PANEL - 1, PANEL, PANEL + 1])
def test_add_gram_about_a_panel(dim: int, device: str) -> None:
    rows = gaussian(3, dim)
    upper = torch.zeros(dim, dim, dtype=torch.float64, device=device)
    add_gram(upper, rows.to(device))
    expected = torch.triu(rows.T @ rows)
    assert torch.allclose(upper.triu().cpu(), expected, rtol=1e-12, atol=1e-12)


def test_panels_about_their_width_equal_blas() -> None:
    rows = gaussian(3, PANEL + 1)
    by_blas, by_panels = torch.zeros(2, PANEL + 1, PANEL + 1, dtype=torch.float64)
    module._add_gram_by_blas(by_blas, rows)
    module._add_gram_by_panels(by_panels, rows)
    assert torch.allclose(by_blas.triu(), by_panels.triu(), rtol=1e-12, atol=1e-12)


def test_add_gram_writes_into_the_memory_that_it_was_given() -> None:
    upper = torch.zeros(3, 3, dtype=torch.float64)
    seen_by_another, address = upper.view(9), upper.data_ptr()
    add_gram(upper, torch.ones(2, 3, dtype=torch.float64))
    assert upper.data_ptr() == address
    assert seen_by_another[:3].tolist() == [2.0, 2.0, 2.0]


def test_rows_may_lie_in_memory_in_any_way() -> None:
    rows = gaussian(6, 4)
    transposed = rows.T.contiguous().T
    strided = torch.stack([rows, rows + 1], dim=-1)[..., 0]
    expected = torch.triu(rows.T @ rows)
    for layout in (transposed, strided, rows.T.contiguous().T[::1]):
        before, upper = layout.clone(), torch.zeros(4, 4, dtype=torch.float64)
        add_gram(upper, layout)
        assert torch.allclose(upper.triu(), expected, rtol=1e-13, atol=1e-13)
        assert torch.equal(layout, before)


@pytest.mark.parametrize(
    "upper",
    [
        torch.zeros(3, 3, dtype=torch.float32),
        torch.zeros(3, 6, dtype=torch.float64)[:, ::2],
        torch.arange(9.0, dtype=torch.float64).reshape(3, 3).T,
    ],
    ids=["float32", "strided", "transposed"],
)
def test_what_blas_would_copy_is_refused(upper: Tensor) -> None:
    """It would add to the copy, and the sum would be lost without a word."""
    with pytest.raises(InvalidArgumentError, match=r"upper: got torch.float.* contiguous float64"):
        add_gram(upper, torch.ones(2, 3, dtype=torch.float64))
    with pytest.raises(InvalidArgumentError, match=r"upper: got torch.float.* contiguous float64"):
        both_eigenvalues(upper, torch.ones(3, dtype=torch.float64), 2)


# Both spectra


MEANS = ("random", "zero", "last axis", "against the last axis", "first axis", "negative zero")


def mean_of(kind: str, dim: int, length: float) -> NDArray[np.float64]:
    direction = numpy64(gaussian(dim, seed=7))
    if kind != "random":
        direction = np.zeros(dim)
        direction[0 if kind in ("first axis", "negative zero") else -1] = 1.0
        direction *= {"zero": 0.0, "against the last axis": -1.0}.get(kind, 1.0)
    if kind == "negative zero" and dim > 1:
        direction[-1] = -0.0
    return length * direction


@both_by
@QUICK
@given(
    dim=st.integers(1, 40),
    rank=st.one_of(st.none(), st.integers(1, 5)),
    kind=st.sampled_from(MEANS),
    length=st.sampled_from([1e-8, 1.0, 30.0]),
    count=st.integers(1, 100),
    seed=st.integers(0, 99),
)
def test_both_spectra(
    both: Both, dim: int, rank: int | None, kind: str, length: float, count: int, seed: int
) -> None:
    scatter, mean = positive(dim, rank=rank, seed=seed), mean_of(kind, dim, length)
    upper = with_garbage_below(scatter)
    centred, gram = both(upper, torch.from_numpy(mean.copy()), count)
    assert_spectrum(centred, descending(scatter))
    assert_spectrum(gram, descending(scatter + count * np.outer(mean, mean)))
    assert np.array_equal(np.triu(upper.numpy()), np.triu(scatter)), "the upper triangle changed"


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("kind", MEANS)
def test_both_spectra_in_few_dimensions(dim: int, kind: str) -> None:
    scatter, mean = positive(dim), mean_of(kind, dim, 2.0)
    centred, gram = both_eigenvalues(with_garbage_below(scatter), torch.from_numpy(mean.copy()), 9)
    assert_spectrum(centred, descending(scatter))
    assert_spectrum(gram, descending(scatter + 9 * np.outer(mean, mean)))


@on_every_device
@pytest.mark.parametrize("dim", [PANEL - 1, PANEL + 1])
def test_both_spectra_about_a_panel(dim: int, device: str) -> None:
    """The upper triangle is mirrored panel by panel."""
    scatter, mean = positive(dim, rank=40), mean_of("random", dim, 1.0)
    upper = with_garbage_below(scatter).to(device)
    centred, gram = both_eigenvalues(upper, torch.from_numpy(mean).to(device), 3)
    # Rank 40 of 40 rows: the spectrum of the small Gram matrix, which numpy has at once.
    rows = numpy64(gaussian(40, dim))
    assert_spectrum(centred[:40], descending(rows @ rows.T))
    assert float(centred[40:].abs().max()) <= 1e-12 * float(centred[0])
    rows = np.concatenate([rows, np.sqrt(3) * mean[None]])
    assert_spectrum(gram[:41], descending(rows @ rows.T))
    assert np.array_equal(np.triu(upper.cpu().numpy()), np.triu(scatter))


@pytest.mark.parametrize("kind", MEANS)
def test_a_tiny_scatter_about_a_long_mean_keeps_its_digits(kind: str) -> None:
    """What the Gram matrix would lose: 1e-20 beside 1e8."""
    axes = numpy64(rotation(6))
    scatter = (axes * np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]) * 1e-20) @ axes.T
    scatter = (scatter + scatter.T) / 2
    mean = torch.from_numpy(mean_of(kind, 6, 1e4))
    centred, gram = both_eigenvalues(with_garbage_below(scatter), mean, 10)
    assert_spectrum(centred, np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]) * 1e-20, relative=1e-13)
    largest = 10 * float(mean.square().sum())
    assert float(gram[0]) == pytest.approx(largest if largest else 6e-20, rel=1e-12)


@both_by
def test_asked_twice_both_answer_the_same(both: Both) -> None:
    """The free triangle is worked in; what is read must not depend on what lies there."""
    upper, mean = torch.from_numpy(positive(7)), gaussian(7)
    first, second = both(upper, mean, 5), both(upper, mean, 5)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


# Generalised eigenvalues


@generalised_by
@pytest.mark.parametrize("dim", [1, 2, 9, 30])
@pytest.mark.parametrize("rank", [None, 1])
def test_generalised_eigenvalues(
    generalised: Callable[[Tensor, Tensor], Tensor], dim: int, rank: int | None
) -> None:
    a, b = positive(dim, rank=rank, seed=1), positive(dim, seed=2)
    variances, directions = np.linalg.eigh(b)
    half = directions / np.sqrt(variances) @ directions.T
    expected = descending(half @ a @ half)
    found = generalised(with_garbage_below(a), with_garbage_below(b))
    assert_spectrum(found, expected, relative=1e-10)


@on_every_device
def test_generalised_eigenvalues_on_every_device(device: str) -> None:
    a, b = positive(12, seed=1), positive(12, seed=2)
    expected = np.sort(np.linalg.eigvals(np.linalg.solve(b, a)).real)[::-1]
    found = generalised_eigenvalues(
        with_garbage_below(a).to(device), with_garbage_below(b).to(device)
    )
    assert_spectrum(found, expected, relative=1e-10)


# The rest


def test_other_devices_take_their_own_branch() -> None:
    """On torch's meta device, which has shapes and no memory that BLAS could be given."""
    upper = torch.zeros(5, 5, dtype=torch.float64, device="meta")
    add_gram(upper, torch.zeros(2, 5, dtype=torch.float64, device="meta"))
    for values in both_eigenvalues(upper, upper[0], 3):
        assert (values.shape, values.device.type) == ((5,), "meta")
    values = generalised_eigenvalues(upper, upper)
    assert (values.shape, values.device.type) == ((5,), "meta")


@on_every_device
def test_eigenvalues_are_read_from_the_upper_triangle(device: str) -> None:
    whole = positive(9) - 5 * np.eye(9)
    assert_spectrum(eigenvalues(with_garbage_below(whole).to(device)), descending(whole))


def test_symmetric_is_a_new_and_whole_matrix() -> None:
    upper = with_garbage_below(positive(5))
    before = upper.clone()
    whole = symmetric(upper)
    assert np.array_equal(whole.numpy(), np.triu(before) + np.triu(before, 1).T)
    whole += 1
    assert torch.equal(upper, before)
