"""What is compared: our measures, and others' as their users call them or as they are written down.

The two formulas are written anew from their definitions. reptrix is the package itself.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import torch
from mpmath import mp, mpf
from torch import Tensor

from benchmarks.known_spectra import DIGITS
from objectives import SecondMoments, alpha_req, collapse_report, lidar, rankme

DELTA, EPSILON = 1e-4, 1e-7  # LiDAR's δ and the paper's ε as everyone but stable-pretraining has it
SPT_EPSILON, SPT_LIDAR_EPSILON = 1e-5, 1e-8
REPTRIX_COMPONENTS = 2048
ALPHA_RANKS = range(4, 101)

Values = dict[str, float]
Spectra = tuple[list[mpf], list[mpf]]


@dataclass(frozen=True)
class Contestant:
    """One row of the result.

    Args:
        label: what the table calls it.
        run: from the embeddings or views to its values, by measure.
        package: what has to be installed for it, if anything.
        cpu_only: whether it computes on the CPU wherever the input is.
        batch_bytes: bytes that it must hold at once beside the input, where that can rule it out.
        own: the exact value by its own convention, where that is not the paper's.
        note: what its value is, where it is not the paper's.
    """

    label: str
    run: Callable[[Tensor], Values]
    package: str = ""
    cpu_only: bool = False
    batch_bytes: Callable[[tuple[int, ...]], int] | None = None
    own: Callable[[Spectra], mpf] | None = None
    note: str = ""

    @property
    def missing(self) -> str:
        """How to install what is not there, empty if all is."""
        if not self.package or importlib.util.find_spec(self.package.partition("==")[0]):
            return ""
        return f"pip install {self.package}"


def effective_rank(weights: list[mpf], epsilon: float) -> mpf:
    """Compute exp(−Σ p ln p) with p = w / Σ w + ε to 50 digits."""
    with mp.workdps(DIGITS):
        total, shift = mp.fsum(weights), mpf(epsilon)
        shares = [w / total + shift for w in weights]
        return mp.exp(-mp.fsum(p * mp.log(p) for p in shares if p))


def exact_rankme(spectra: Spectra, epsilon: float = EPSILON) -> mpf:
    """RankMe from the squares of uncentred singular values."""
    with mp.workdps(DIGITS):
        return effective_rank([mp.sqrt(square) for square in spectra[0]], epsilon)


def exact_alpha(spectra: Spectra) -> mpf:
    """α-ReQ over ranks 4 to 100, weighted by 1/rank, from the squares of centred ones."""
    with mp.workdps(DIGITS):
        ordered = sorted(spectra[1], reverse=True)
        points = [(mp.log(k), mp.log(ordered[k - 1]), mpf(1) / k) for k in ALPHA_RANKS]
        total = mp.fsum(w for _, _, w in points)
        x_mean = mp.fsum(w * x for x, _, w in points) / total
        y_mean = mp.fsum(w * y for _, y, w in points) / total
        slope = mp.fsum(w * (x - x_mean) * (y - y_mean) for x, y, w in points)
        return -slope / mp.fsum(w * (x - x_mean) ** 2 for x, _, w in points)


def _ours_all(embeddings: Tensor) -> Values:
    moments = SecondMoments()
    moments.update(embeddings)
    return {
        "rankme": rankme(moments),
        "alpha_req": alpha_req(moments).alpha,
        "collapsed": float(collapse_report(moments).collapsed),
    }


def _of_singular_values(embeddings: Tensor, dtype: torch.dtype, epsilon: float) -> Values:
    values = torch.linalg.svdvals(embeddings.to(dtype))
    shares = values / values.sum() + epsilon
    return {"rankme": float(torch.exp(-(shares * shares.log()).sum()))}


def _reptrix_rankme(embeddings: Tensor) -> Values:
    from reptrix.rankme import get_rankme

    return {"rankme": float(get_rankme(embeddings))}


def _reptrix_own(spectra: Spectra) -> mpf:
    """Shares of variance (squares, centred), of no more than 2048 components."""
    return effective_rank(sorted(spectra[1], reverse=True)[:REPTRIX_COMPONENTS], EPSILON)


def _lidar_formula(views: Tensor, dtype: torch.dtype) -> Values:
    """stable-pretraining's: both matrices of plain products, Σ_w^-½ by its eigenvectors."""
    rows = views.to(dtype)
    n, q, dim = rows.shape
    means = rows.mean(dim=1)
    about = means - means.mean(dim=0)
    between = about.T @ about / (n - 1)
    residuals = (rows - means[:, None]).reshape(n * q, dim)
    within = residuals.T @ residuals / (n * (q - 1))
    within.diagonal().add_(DELTA)
    variances, directions = torch.linalg.eigh(within)
    root = (directions * variances.clamp(min=SPT_LIDAR_EPSILON).rsqrt()) @ directions.T
    whitened = torch.linalg.eigvalsh(root @ between @ root).clamp(min=0.0)
    shares = (whitened + SPT_LIDAR_EPSILON) / (whitened + SPT_LIDAR_EPSILON).sum()
    return {"lidar": float(torch.exp(-(shares * shares.log()).sum()))}


def _lidar_formula_own(spectra: Spectra) -> mpf:
    with mp.workdps(DIGITS):
        return effective_rank([value + mpf(SPT_LIDAR_EPSILON) for value in spectra[0]], 0.0)


def _reptrix_lidar(views: Tensor) -> Values:
    from reptrix.lidar import get_lidar

    n, q, _ = views.shape
    return {"lidar": float(get_lidar(views, n, q))}


ANOTHER = "another statistic: squared, centred"

CONTESTANTS: dict[str, dict[str, Contestant]] = {
    "rankme": {
        "ours": Contestant("ours: RankMe, α-ReQ and collapse report, one pass", _ours_all),
        "ours_alone": Contestant("ours: `rankme`", lambda z: {"rankme": rankme(z)}),
        "svd32": Contestant(
            "`svdvals`, float32 (stable-pretraining's formula)",
            lambda z: _of_singular_values(z, torch.float32, SPT_EPSILON),
            own=lambda spectra: exact_rankme(spectra, SPT_EPSILON),
            note="ε = 1e-5",
        ),
        "svd64": Contestant(
            "`svdvals`, float64", lambda z: _of_singular_values(z, torch.float64, EPSILON)
        ),
        "reptrix": Contestant(
            "reptrix 0.1.0 `get_rankme`",
            _reptrix_rankme,
            package="reptrix==0.1.0",
            cpu_only=True,
            own=_reptrix_own,
            note=ANOTHER,
        ),
    },
    "lidar": {
        "ours": Contestant("ours: `lidar`", lambda v: {"lidar": lidar(v, delta=DELTA)}),
        "formula32": Contestant(
            "stable-pretraining's formula, float32",
            lambda v: _lidar_formula(v, torch.float32),
            own=_lidar_formula_own,
            note="ε = 1e-8 inside the fraction",
        ),
        "formula64": Contestant(
            "the same formula, float64",
            lambda v: _lidar_formula(v, torch.float64),
            own=_lidar_formula_own,
            note="ε = 1e-8 inside the fraction",
        ),
        "reptrix": Contestant(
            "reptrix 0.1.0 `get_lidar`",
            _reptrix_lidar,
            package="reptrix==0.1.0",
            cpu_only=True,
            batch_bytes=lambda shape: 4 * shape[0] * shape[2] ** 2,
            note="another statistic: a PCA of Σ_lidar",
        ),
    },
}
