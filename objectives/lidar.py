"""LiDAR: the rank of what tells images apart, once the noise between views is whitened away."""

import torch
from torch import Tensor

from objectives.embeddings import check_non_negative
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.round_off import EPS64, check_no_overflow, cut_round_off, square_round_off
from objectives.spectrum import effective_rank
from objectives.symmetric import eigenvalues, generalised_eigenvalues, mirror, symmetric
from objectives.view_moments import ViewSource, view_moments_of

SAFE_MARGIN = 1e4
"""δ above this multiple of the round-off in Σ_w makes a Cholesky factor of Σ_w + δI trustworthy."""


def lidar(
    views: ViewSource,
    *,
    delta: float = 1e-4,
    relative_delta: bool = False,
    epsilon: float = 1e-7,
) -> float:
    """Measure how many discriminative directions the embeddings of views use.

        Σ_b = Σ_x (μ_x − μ)(μ_x − μ)ᵀ / (n − 1)
        Σ_w = Σ_x Σ_v (e_xv − μ_x)(e_xv − μ_x)ᵀ / (n (q − 1)) + δ I
        λ = eigenvalues of Σ_w^−½ Σ_b Σ_w^−½,   p_i = λ_i / ‖λ‖₁ + ε
        LiDAR = exp(−Σ_i p_i ln p_i)

    The grouping is everything: shuffle the views across images and a LiDAR of 15.4 becomes 59.4 out
    of 64, a better-looking number. That is why a flat array is refused. Two more things to know.
    Each Σ_b holds Σ_w / q, so pure noise reads as near the maximum (59.5 of 64) and n and q must be
    equal in all trials (see `lidar_noise_corrected`). And δ is absolute, as in the paper: the value
    changes a little with the features' scale, unless `relative_delta`.

    Args:
        views: Shape (n_images, n_views, dim), floating, any device, at least 2 images and 2 views:
            `views[i]` holds the views of image i. More images than dim, and n (q − 1) at least
            2 · dim, or Σ_w is near singular; 10 views or more. Or the `ViewMoments` of them.
        delta: δ ≥ 0 on the diagonal of Σ_w, in squared embedding units. 0 needs Σ_w of full rank.
        relative_delta: Take δ as a share of the mean variance within an image, tr Σ_w / dim before
            δ is added, which makes the value free of scale. Not the paper's.
        epsilon: ε ≥ 0, outside the fraction, no unit.

    Returns:
        Between 1 and min(dim, n_images − 1) at ε = 0, marginally above with ε; higher is better.
        nan when all images have the same mean embedding: λ is all 0, and λ/‖λ‖₁ has no value.

    Raises:
        EmbeddingError: See `check_views`; or Σ_w is singular at δ = 0.
        InvalidArgumentError: δ or ε is negative or not finite.

    References:
        Thilak et al., "LiDAR", ICLR 2024, arXiv 2312.04000, equations 1 to 4. The paper prints
        neither δ and ε (1e-4 as in Skean et al. 2025) nor the denominators ("unbiased").

    Examples:
        >>> axes = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> noise = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> round(lidar(axes[:, None] + noise[None], epsilon=0.0), 6)
        1.384145
    """
    check_non_negative(epsilon, name="epsilon")
    spectrum = lidar_eigenvalues(views, delta=delta, relative_delta=relative_delta)
    return effective_rank(spectrum, epsilon=epsilon)


def lidar_eigenvalues(
    views: ViewSource, *, delta: float = 1e-4, relative_delta: bool = False
) -> Tensor:
    """Eigenvalues λ of the between-image covariance, whitened by the within-image covariance.

    Args:
        views: Shape (n_images, n_views, dim), or their `ViewMoments`; see `lidar`.
        delta: δ ≥ 0; see `lidar`.
        relative_delta: See `lidar`.

    Returns:
        float64, shape (dim,), descending, each at least 0: at most n_images − 1 are positive. For
        isotropic noise and many images λ_i = signal-to-noise variance ratio + 1 / n_views.

    Raises:
        EmbeddingError: See `lidar`.
        InvalidArgumentError: δ is negative, not finite, or so small that λ overflows.

    Examples:
        >>> axes = torch.tensor([[1.0], [-1.0]])
        >>> lidar_eigenvalues(axes[:, None] + 2.0 * axes[None], delta=0.0)
        tensor([0.2500], dtype=torch.float64)
    """
    check_non_negative(delta, name="delta")
    moments = view_moments_of(views)
    n_images, n_views, dim, mean = moments.n_images, moments.n_views, moments.dim, moments.mean
    between, within = moments.upper(give_away=moments is not views)
    check_no_overflow(between)
    check_no_overflow(within)
    degrees = n_images * (n_views - 1)
    # Of the views' own lengths: their images may well be centred, and the mean of all 0.
    squares = mean.square().sum() + (between.trace() + within.trace() / n_views) / n_images
    floor = square_round_off(float(squares))
    # Tested before whitening, which could blow the round-off of equal images up to a full spectrum.
    if float(between.trace()) <= n_images * floor:
        return torch.zeros_like(between[0])
    between /= n_images - 1
    within /= degrees
    if relative_delta:
        delta *= float(within.diagonal().mean())
    mirror(within)
    scale = float(torch.linalg.vector_norm(within))
    round_off = max(max(degrees, dim) * EPS64 * scale, floor)
    if delta > SAFE_MARGIN * round_off:
        within.diagonal().add_(delta)
        found = generalised_eigenvalues(between, within)
    else:
        whitening = _whitening(within, delta=delta, round_off=round_off)
        whitened = whitening.T @ symmetric(between) @ whitening
        if not bool(torch.isfinite(whitened).all()):
            raise InvalidArgumentError(
                f"delta: got {delta!r}, by which Σ_b / delta overflows float64, wanted 0 or far "
                "above it; 1e-4 is usual."
            )
        found = eigenvalues(whitened)
    cleaned = cut_round_off(found, longest_side=max(n_images, dim))
    cleaned[n_images - 1 :] = 0.0  # n means about their own mean span no more directions
    return cleaned


def lidar_noise_corrected(
    views: ViewSource,
    *,
    delta: float = 1e-4,
    relative_delta: bool = False,
    epsilon: float = 1e-7,
) -> float:
    """LiDAR without the share of Σ_w that each image mean carries into Σ_b. Not the paper's.

        λ'_i = max(0, λ_i − 1/q),   p_i = λ'_i / ‖λ'‖₁ + ε,   exp(−Σ_i p_i ln p_i)

    The mean of q noisy views keeps 1/q of their variance, so a direction of pure noise has λ = 1/q
    and not 0. With 8 signal dimensions among 64 and 500 images LiDAR reads 34 at q = 2 and 9.7 at
    q = 50; this reads 14.5 and 8.2. What is left above the truth is sampling: λ of noise scatters
    about 1/q, half of it above, so pure noise still reads 24 and not nan.

    Args:
        views: Shape (n_images, n_views, dim), or their `ViewMoments`; see `lidar`.
        delta: δ ≥ 0; see `lidar`. Well below the variance within an image, or 1/q is too much.
        relative_delta: See `lidar`.
        epsilon: ε ≥ 0, outside the fraction, no unit.

    Returns:
        Between 1 and min(dim, n_images − 1) at ε = 0; higher is better. nan where no direction is
        above its noise.

    Raises:
        EmbeddingError: See `lidar`.
        InvalidArgumentError: δ or ε is negative or not finite.

    References:
        The paper's eigenvalues (`lidar`) with the bias of a mean of q samples taken out, as in the
        one-way analysis of variance (Searle, Casella, McCulloch, "Variance Components", 1992, 3.5).

    Examples:
        >>> axes = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> noise = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> round(lidar_noise_corrected(axes[:, None] + noise[None], epsilon=0.0), 6)
        1.318089
    """
    check_non_negative(epsilon, name="epsilon")
    moments = view_moments_of(views)
    spectrum = lidar_eigenvalues(moments, delta=delta, relative_delta=relative_delta)
    longest_side = max(moments.n_images, moments.dim)
    # The round-off of λ, left by the subtraction of equals, would pass for a signal.
    floor = longest_side * EPS64 * float(spectrum[0])
    signal = cut_round_off(spectrum - 1 / moments.n_views, longest_side=longest_side, floor=floor)
    return effective_rank(signal, epsilon=epsilon)


def _whitening(within: Tensor, *, delta: float, round_off: float) -> Tensor:
    """Σ_w^−½ up to a rotation, which leaves the eigenvalues of the whitened Σ_b as they are."""
    variances, directions = torch.linalg.eigh(within)
    # Round-off is cut before δ is added: at δ = 0 it would pass for a direction without noise.
    variances = torch.where(variances > round_off, variances, 0.0) + delta
    if float(variances[0]) <= 0.0:
        n_flat = int((variances <= 0.0).sum())
        raise EmbeddingError(
            f"views: got {n_flat} of {variances.numel()} directions without variance between the "
            "views of an image at delta=0, wanted a within-image covariance of full rank; pass "
            "delta > 0 (1e-4 is usual, and not relative where no view differs), more views, or "
            "fewer dimensions."
        )
    whitening: Tensor = directions * variances.rsqrt()
    return whitening
