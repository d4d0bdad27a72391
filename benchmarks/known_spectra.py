"""Embeddings in float32 whose measures are known to 50 digits.

The columns of a Sylvester–Hadamard matrix H have entries ±1 and are exactly orthogonal. Hence

    Z = H_N[:, c] diag(s) H_d   has the singular values   s_k √(N d)

and with dyadic s (whole multiples of a power of two) every entry of Z is a float32 exactly, as is
every partial sum of the fast transform that makes it: multiples of 2^-bits below 2^(24 - bits).
N is a sum of powers of two; the rows that are left over are zero and change no singular value.
Column 0 of H_N is constant and goes with the largest s, so that Z has a mean, as embeddings have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from mpmath import mp, mpf
from torch import Tensor

DIGITS = 50


@dataclass(frozen=True)
class Spectrum:
    """Singular values, up to one factor, as whole multiples of 2^-bits."""

    bits: int
    weights: Callable[[int], Tensor]


def _power(dim: int, exponent: float, factor: float) -> Tensor:
    ranks = torch.arange(1, dim + 1, dtype=torch.float64)
    return (2.0**12 * factor * ranks**-exponent).round() / 2.0**12


def _levels(dim: int, n_high: int, low: float) -> Tensor:
    weights = torch.full((dim,), low, dtype=torch.float64)
    weights[:n_high] = 1.0
    return weights


SPECTRA = {
    "power": Spectrum(12, lambda dim: _power(dim, 0.5, 1.0)),  # σ_k ∝ k^-½: α just below 1
    "levels": Spectrum(10, lambda dim: _levels(dim, dim // 2, 2.0**-10)),
    "limit": Spectrum(20, lambda dim: _levels(dim, 8, 2.0**-20)),  # squares reach 2^-40
}
WITHIN = Spectrum(12, lambda dim: _power(dim, 0.25, 0.5))  # deviations of views, under any of these


def powers_of_two(n: int, smallest: int) -> list[int]:
    """Powers of two, each at least `smallest` (itself one), whose sum is as near n as can be."""
    whole = n // smallest
    return [smallest << bit for bit in reversed(range(whole.bit_length())) if whole >> bit & 1]


def transform(rows: Tensor) -> Tensor:
    """Multiply by H from the left in place: the fast Walsh–Hadamard transform along axis 0."""
    step = 1
    while step < len(rows):
        pairs = rows.view(-1, 2, step, rows.shape[1])
        upper, lower = pairs[:, 0], pairs[:, 1]
        upper += lower
        lower.mul_(-2.0).add_(upper)  # u - l = (u + l) - 2 l: exact here
        step *= 2
    return rows


def _block(n_rows: int, columns: Tensor, weights: Tensor) -> Tensor:
    """H[:, columns] diag(weights) H_d, shape (n_rows, d), float32."""
    dim = len(weights)
    block = torch.zeros(n_rows, dim)
    block[columns] = weights.float()[:, None] * transform(torch.eye(dim))
    return transform(block)


def _scale(dim: int) -> float:
    """A power of two near 1/√d, which makes the entries about 1."""
    return float(2.0 ** -((dim.bit_length() - 1) // 2))


def _rows(n: int, dim: int, smallest: int, weights: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    found = torch.zeros(n, dim)
    start = 0
    for size in powers_of_two(n, smallest):
        others = torch.randperm(size - 1, generator=generator)[: dim - 1] + 1
        columns = torch.cat([torch.zeros(1, dtype=torch.int64), others])
        found[start : start + size] = _block(size, columns, weights)
        start += size
    return found


def embeddings(n: int, dim: int, spectrum: str) -> Tensor:
    """Shape (n, dim), float32; dim a power of two, n at least 2 dim."""
    return _rows(n, dim, 2 * dim, SPECTRA[spectrum].weights(dim)) * _scale(dim)


def exact_squares(n: int, dim: int, spectrum: str) -> tuple[list[mpf], list[mpf]]:
    """Squared singular values of `embeddings`: as they are, and of the centred rows."""
    return _squares(n, sum(powers_of_two(n, 2 * dim)), SPECTRA[spectrum].weights(dim))


def _squares(n: int, n_filled: int, weights: Tensor) -> tuple[list[mpf], list[mpf]]:
    dim = len(weights)
    with mp.workdps(DIGITS):
        factor = mpf(_scale(dim)) ** 2 * n_filled * dim
        plain = [factor * mpf(w) ** 2 for w in weights.tolist()]
        # The mean is s_0 H_d[0] n_filled / n: centring shortens that one direction.
        return plain, [plain[0] * (n - n_filled) / n, *plain[1:]]


def views(n: int, q: int, dim: int, spectrum: str) -> Tensor:
    """Shape (n, q, dim), float32: image means by `spectrum`, deviations of their views by WITHIN.

    The deviations are columns of H_B ⊗ H_q' other than those constant in the second factor, so
    they sum to 0 over the q' views of each image (q' a power of two; further views are the mean).
    """
    generator = torch.Generator().manual_seed(1)
    found = torch.zeros(n, q, dim)
    found += _rows(n, dim, dim, SPECTRA[spectrum].weights(dim))[:, None]
    filled = _filled_views(q)
    start = 0
    for size in powers_of_two(n, _smallest_within(q, dim)):
        free = torch.arange(size * filled)
        free = free[free % filled != 0]
        columns = free[torch.randperm(len(free), generator=generator)[:dim]]
        block = _block(size * filled, columns, WITHIN.weights(dim))
        found[start : start + size, :filled] += block.view(size, filled, dim)
        start += size
    return found * _scale(dim)


def exact_whitened(n: int, q: int, dim: int, spectrum: str, delta: float) -> list[mpf]:
    """LiDAR's λ of `views`: both covariances are diagonal in the basis H_d / √d."""
    _, between = _squares(n, sum(powers_of_two(n, dim)), SPECTRA[spectrum].weights(dim))
    n_within = sum(powers_of_two(n, _smallest_within(q, dim))) * _filled_views(q)
    within, _ = _squares(n * q, n_within, WITHIN.weights(dim))
    with mp.workdps(DIGITS):
        return [
            b / (n - 1) / (w / (n * (q - 1)) + mpf(delta))
            for b, w in zip(between, within, strict=True)
        ]


def _filled_views(q: int) -> int:
    return 1 << (q.bit_length() - 1)


def _smallest_within(q: int, dim: int) -> int:
    return 1 << (-(-dim // (_filled_views(q) - 1)) - 1).bit_length()


def check_exact(data: Tensor, spectrum: str) -> None:
    """Compare some inner products of columns with their exact values, in whole numbers.

    Raises:
        ArithmeticError: The data are not what their spectrum was computed for.
    """
    dim = data.shape[-1]
    bits = max(SPECTRA[spectrum].bits, WITHIN.bits if data.ndim == 3 else 0)
    chosen = torch.tensor([0, 1, dim // 2, dim - 1])
    scaled = data[..., chosen].double() * (2.0**bits / _scale(dim))
    whole = scaled.to(torch.int64)
    outer, inner = _integer(SPECTRA[spectrum], dim, bits), None
    if data.ndim == 3:
        n, q, _ = data.shape
        sums = whole.sum(dim=1)
        n_outer = q * sum(powers_of_two(n, dim))
        inner = _integer(WITHIN, dim, bits)
        n_inner = _filled_views(q) * sum(powers_of_two(n, _smallest_within(q, dim)))
        fits = torch.equal(sums.T @ sums, q * n_outer * _signed_sums(outer, chosen))
        wanted = n_outer * _signed_sums(outer, chosen) + n_inner * _signed_sums(inner, chosen)
    else:
        fits = True
        wanted = sum(powers_of_two(len(data), 2 * dim)) * _signed_sums(outer, chosen)
    flat = whole.flatten(end_dim=-2)
    if not (fits and torch.equal(whole.double(), scaled) and torch.equal(flat.T @ flat, wanted)):
        raise ArithmeticError(f"inner products of {tuple(data.shape)} {spectrum!r} are not exact")


def _integer(spectrum: Spectrum, dim: int, bits: int) -> Tensor:
    return (spectrum.weights(dim) * 2.0**bits).to(torch.int64)


def _signed_sums(weights: Tensor, chosen: Tensor) -> Tensor:
    """Σ_k w_k² H_ki H_kj for the chosen columns i, j, in whole numbers; H_ki = (-1)^|k and i|."""
    ranks = torch.arange(len(weights))[:, None] & chosen
    parity = sum((ranks >> bit) & 1 for bit in range(len(weights).bit_length()))
    signs = 1 - 2 * (torch.as_tensor(parity) & 1)
    return (signs * weights.square()[:, None]).T @ signs
