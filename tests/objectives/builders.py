"""Embeddings with a spectrum known in closed form, and the random ones of metrics.md 5."""

import numpy as np
import torch
from hypothesis import settings
from numpy.typing import NDArray
from torch import Tensor

QUICK = settings(max_examples=20, deadline=None, derandomize=True)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def rotation(dim: int, seed: int = 1) -> Tensor:
    return torch.linalg.qr(gaussian(dim, dim, seed=seed)).Q


def with_singular_values(values: Tensor, n_samples: int, *, centred: bool, seed: int = 2) -> Tensor:
    """U diag(values) Vᵀ with exactly orthonormal U, its columns summing to 0 if centred."""
    left = gaussian(n_samples, values.numel(), seed=seed)
    if centred:
        left = left - left.mean(dim=0)
    left = torch.linalg.qr(left).Q
    return left @ torch.diag(values) @ rotation(values.numel(), seed=seed + 1).T


def power_law(exponent: float, n_samples: int, dim: int, *, seed: int = 3) -> Tensor:
    """Centred embeddings with covariance eigenvalues exactly proportional to k^-exponent."""
    ranks = torch.arange(1, dim + 1, dtype=torch.float64)
    return with_singular_values(ranks ** (-exponent / 2), n_samples, centred=True, seed=seed)


def axis_pairs(lengths: list[float]) -> Tensor:
    """The rows ±length_i e_i."""
    diagonal = torch.diag(torch.tensor(lengths, dtype=torch.float64))
    return torch.cat([diagonal, -diagonal])


def design_e(between: list[float], within: list[float]) -> Tensor:
    """Classes ±a_i e_i, views class ± b_j e_j (metrics.md section 6): exact covariances."""
    return axis_pairs(between)[:, None] + axis_pairs(within)[None]


def signal_views(
    n_images: int, n_views: int, dim: int, *, n_signal: int, ratio: float, seed: int = 4
) -> Tensor:
    """Unit noise in every dimension, signal of variance `ratio` in the first `n_signal`."""
    signal = gaussian(n_images, 1, dim, seed=seed) * ratio**0.5
    signal[..., n_signal:] = 0.0
    return signal + gaussian(n_images, n_views, dim, seed=seed + 1)


def near_collapse(t: float, *shape: int, seed: int = 5) -> Tensor:
    """A constant vector of norm 7.45 plus t · isotropic noise; the last axis is the embedding."""
    constant = gaussian(shape[-1], seed=seed)
    return 7.45 * constant / constant.norm() + t * gaussian(*shape, seed=seed + 1)


def numpy64(values: Tensor) -> NDArray[np.float64]:
    return values.detach().to(torch.float64).numpy().copy()
