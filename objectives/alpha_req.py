"""α-ReQ: how fast the eigenspectrum of the representation decays."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from objectives.embeddings import ArrayLike
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.moments import Source
from objectives.spectrum import covariance_eigenvalues

GOLDILOCKS_ZONE = (0.8, 1.2)
"""Where the authors' control code leaves α alone; the paper itself puts no number on the zone."""

R_SQUARED_THRESHOLD = 0.95
MINIMUM_RANKS = 5
REFIT_RANKS = ((6, 50), (6, 20))


@dataclass(frozen=True)
class AlphaFit:
    """A power law fitted to an eigenspectrum, with the range that it was fitted over.

    The range belongs to the value: the published correlation of α with accuracy changes sign with
    it, so values fitted over different ranges are never compared.

    Attributes:
        alpha: Decay exponent in λ_k ∝ k^−α; nan where no line could be fitted.
        r_squared: Weighted goodness of fit in log-log, at most 1; nan with alpha.
        first_rank: First rank of the range, 1-based, inclusive.
        last_rank: Last rank of the range, 1-based, inclusive, clipped to what exists.
        n_ranks: How many ranks the range holds after clipping, at least 0.
    """

    alpha: float
    r_squared: float
    first_rank: int
    last_rank: int
    n_ranks: int

    @property
    def valid(self) -> bool:
        """Whether the spectrum is a power law here: α finite and R² of at least 0.95."""
        return math.isfinite(self.alpha) and self.r_squared >= R_SQUARED_THRESHOLD


def alpha_req(
    embeddings: Source, *, first_rank: int = 4, last_rank: int = 100, refit: bool = False
) -> AlphaFit:
    """Fit the decay exponent of the covariance spectrum of a representation.

        Ĉ = (1/N) Σ f fᵀ − f̄ f̄ᵀ,   λ_k(Ĉ) ∝ k^−α   over ranks first_rank … last_rank

    The paper gives no range; 4 to 100 and the weights 1/rank are those of the authors' code. No
    single direction is best: α above 1.2 uses few directions, α below 0.8 is flat, over-whitened or
    noise. See `zone_distance`. The fit says nothing of collapse onto a constant vector: centring
    removes it, and what noise is left reads about 0.4.

    Args:
        embeddings: Shape (n_samples, dim), at least 2 samples, floating: backbone features, not
            projector outputs, of images the run was not trained on. At least dim + 1 samples. Or
            the `SecondMoments` of them.
        first_rank: First rank of the fit, 1-based, inclusive, at least 1.
        last_rank: Last rank of the fit, 1-based, inclusive, at least first_rank + 2; clipped to
            the min(n_samples − 1, dim) eigenvalues there are.
        refit: The authors' rule for a poor fit (R² below 0.95): fit ranks 6 to 50, and if that is
            poor too, ranks 6 to 20, and return the last one tried. Off by default, since trials
            then carry values over different ranges. (When the images are of another data set than
            the training's, the authors start these two ranges at rank 12.)

    Returns:
        The fit; check `valid` before using `alpha`. See `fit_power_law` for when it is nan.

    Raises:
        EmbeddingError: See `check_embeddings`; or a single sample.
        InvalidArgumentError: The range is reversed, too short or starts below 1.

    References:
        Agrawal, Mondal, Ghosh, Richards, "α-ReQ", NeurIPS 2022, section 3; range and weights from
        github.com/kumarkrishna/fastssl, `fastssl/utils/powerlaw.py::stringer_get_powerlaw`.

    Examples:
        >>> axes = torch.arange(1, 13, dtype=torch.float64) ** -0.5
        >>> fit = alpha_req(torch.cat([torch.diag(axes), -torch.diag(axes)]))
        >>> round(fit.alpha, 6), fit.last_rank, fit.valid
        (1.0, 12, True)
    """
    eigenvalues = covariance_eigenvalues(embeddings)
    fit = fit_power_law(eigenvalues, first_rank=first_rank, last_rank=last_rank)
    for first, last in REFIT_RANKS if refit else ():
        if fit.valid:
            break
        fit = fit_power_law(eigenvalues, first_rank=first, last_rank=last)
    return fit


def fit_power_law(eigenvalues: ArrayLike, *, first_rank: int = 4, last_rank: int = 100) -> AlphaFit:
    """Fit λ_k ∝ k^−α to eigenvalues by least squares in log-log, weighted by 1/rank.

        minimise Σ_k (1/k) · (ln λ_k − (b − α ln k))²,   R² = 1 − Σ w (y − ŷ)² / Σ w (y − ȳ_w)²

    R² carries the fit's own weights and range. (The authors' code reports an unweighted R² from one
    rank later, its index array having been shifted in place by then.)

    Args:
        eigenvalues: Shape (k,), floating, finite, each at least 0, in any order: rank 1 is the
            largest. The scale does not matter. Never changed.
        first_rank: First rank of the fit, 1-based, inclusive, at least 1.
        last_rank: Last rank of the fit, 1-based, inclusive, at least first_rank + 2.

    Returns:
        The fit. alpha and r_squared are nan, never an error, when the spectrum cuts the range to
        fewer than 5 ranks, or when an eigenvalue in it is 0: a spectrum that ends there is no power
        law. A short range that exists in full is fitted as asked. An exactly flat range gives α = 0
        with R² = 1.

    Raises:
        EmbeddingError: The eigenvalues are not 1-D floating, or negative, or not finite.
        InvalidArgumentError: The range is reversed, too short or starts below 1.

    References:
        Stringer et al., Nature 571 (2019), from whose code the authors of α-ReQ copied the fit.

    Examples:
        >>> fit = fit_power_law(1.0 / torch.arange(1, 101) ** 2)
        >>> round(fit.alpha, 5), fit.n_ranks
        (2.0, 97)
    """
    _check_ranks(first_rank, last_rank)
    spectrum = _sorted_spectrum(eigenvalues)
    last = min(last_rank, spectrum.numel())
    n_ranks = max(0, last - first_rank + 1)
    unfitted = AlphaFit(math.nan, math.nan, first_rank, last, n_ranks)
    chosen = spectrum[first_rank - 1 : last]
    if (last < last_rank and n_ranks < MINIMUM_RANKS) or not bool((chosen > 0).all()):
        return unfitted
    ranks = torch.arange(first_rank, last + 1, dtype=torch.float64, device=chosen.device)
    alpha, r_squared = _weighted_line(ranks.log(), chosen.log(), 1.0 / ranks)
    return replace(unfitted, alpha=alpha, r_squared=r_squared)


def zone_distance(alpha: float, zone: tuple[float, float] = GOLDILOCKS_ZONE) -> float:
    """Measure how far α lies outside the Goldilocks zone.

        max(0, α − high, low − α)

    Args:
        alpha: Decay exponent, no unit.
        zone: (low, high), inclusive, low at most high.

    Returns:
        At least 0; lower is better; 0 anywhere inside the zone; nan for a nan α.

    Raises:
        InvalidArgumentError: The zone is reversed or not finite.

    References:
        The zone: github.com/kumarkrishna/fastssl, adaptive Barlow Twins (0.8 and 1.2).

    Examples:
        >>> zone_distance(1.5), zone_distance(0.9)
        (0.30000000000000004, 0.0)
    """
    low, high = zone
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise InvalidArgumentError(
            f"zone: got {zone!r}, wanted finite (low, high) with low <= high; the authors use "
            f"{GOLDILOCKS_ZONE}."
        )
    if math.isnan(alpha):
        return math.nan  # max() would answer 0, "inside the zone", depending on argument order
    return max(0.0, alpha - high, low - alpha)


def _check_ranks(first_rank: int, last_rank: int) -> None:
    if first_rank < 1:
        raise InvalidArgumentError(
            f"first_rank: got {first_rank}, wanted at least 1; ranks count from 1, the largest "
            "eigenvalue."
        )
    if last_rank < first_rank + 2:
        raise InvalidArgumentError(
            f"last_rank: got {last_rank} with first_rank {first_rank}, wanted at least "
            f"{first_rank + 2}; two points fit any line, so R² would say nothing."
        )


def _sorted_spectrum(eigenvalues: ArrayLike) -> Tensor:
    # A copy: numpy arrays may be read-only or reversed, which torch does not share.
    array = np.array(eigenvalues) if isinstance(eigenvalues, np.ndarray) else eigenvalues
    values = torch.as_tensor(array).detach()
    if values.ndim != 1 or not values.is_floating_point():
        raise EmbeddingError(
            f"eigenvalues: got {values.dtype} of shape {tuple(values.shape)}, wanted a floating "
            "1-D array; for embeddings call alpha_req."
        )
    n_bad = int((~(torch.isfinite(values) & (values >= 0))).sum())
    if n_bad:
        raise EmbeddingError(
            f"eigenvalues: got {n_bad} of {values.numel()} negative or not finite, wanted all at "
            "least 0; covariance_eigenvalues sets the round-off of an eigensolver to 0."
        )
    return values.to(torch.float64).sort(descending=True).values


def _weighted_line(log_ranks: Tensor, log_values: Tensor, weights: Tensor) -> tuple[float, float]:
    weights = weights / weights.sum()
    x = log_ranks - (weights * log_ranks).sum()
    y = log_values - (weights * log_values).sum()
    slope = (weights * x * y).sum() / (weights * x.square()).sum()
    total = float((weights * y.square()).sum())
    # A flat range has no variance to explain: R² would be a ratio of round-offs. The line is exact.
    if total <= 1e-20:
        return -float(slope), 1.0
    residual = float((weights * (y - slope * x).square()).sum())
    return -float(slope), 1.0 - residual / total
