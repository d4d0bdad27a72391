"""LiDAR: the rank of what tells images apart, once the noise between views is whitened away."""

import torch
from torch import Tensor

from objectives.embeddings import ArrayLike, check_non_negative, check_views, to_float64
from objectives.errors import EmbeddingError
from objectives.round_off import (
    EPS64,
    check_no_overflow,
    clean_eigenvalues,
    mean_round_off,
)
from objectives.spectrum import effective_rank

IMAGES_AT_ONCE = 1024


def lidar(views: ArrayLike, *, delta: float = 1e-4, epsilon: float = 1e-7) -> float:
    """Measure how many discriminative directions the embeddings of views use.

        Σ_b = Σ_x (μ_x − μ)(μ_x − μ)ᵀ / (n − 1)
        Σ_w = Σ_x Σ_v (e_xv − μ_x)(e_xv − μ_x)ᵀ / (n (q − 1)) + δ I
        λ = eigenvalues of Σ_w^−½ Σ_b Σ_w^−½,   p_i = λ_i / ‖λ‖₁ + ε
        LiDAR = exp(−Σ_i p_i ln p_i)

    The grouping is everything: shuffle the views across images and a LiDAR of 15.4 becomes 59.4 out
    of 64, a better-looking number. That is why a flat array is refused. Two more things to know.
    Each Σ_b holds Σ_w / q, so pure noise reads as near the maximum (59.5 of 64) and n and q must be
    equal in all trials. And δ is absolute: the value changes a little with the features' scale.

    Args:
        views: Shape (n_images, n_views, dim), floating, any device, at least 2 images and 2 views:
            `views[i]` holds the views of image i. More images than dim, and n (q − 1) at least
            2 · dim, or Σ_w is near singular; 10 views or more.
        delta: δ ≥ 0 on the diagonal of Σ_w, in squared embedding units. 0 needs Σ_w of full rank.
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
    return effective_rank(lidar_eigenvalues(views, delta=delta), epsilon=epsilon)


def lidar_eigenvalues(views: ArrayLike, *, delta: float = 1e-4) -> Tensor:
    """Eigenvalues λ of the between-image covariance, whitened by the within-image covariance.

    Args:
        views: Shape (n_images, n_views, dim); see `lidar`.
        delta: δ ≥ 0; see `lidar`.

    Returns:
        float64, shape (dim,), descending, each at least 0: at most n_images − 1 are positive. For
        isotropic noise and many images λ_i = signal-to-noise variance ratio + 1 / n_views.

    Raises:
        EmbeddingError: See `lidar`.
        InvalidArgumentError: δ is negative or not finite.

    Examples:
        >>> axes = torch.tensor([[1.0], [-1.0]])
        >>> lidar_eigenvalues(axes[:, None] + 2.0 * axes[None], delta=0.0)
        tensor([0.2500], dtype=torch.float64)
    """
    check_non_negative(delta, name="delta")
    checked = check_views(views)
    n_images, n_views, dim = checked.shape
    means, within = _means_and_within(checked)
    mean = means.mean(dim=0)
    floor = mean_round_off(mean)
    whitening = _whitening(within, n_images * (n_views - 1), delta=delta, floor=floor)
    between = means - mean
    eigenvalues = torch.zeros(dim, dtype=torch.float64, device=between.device)
    # Tested before whitening, which could blow the round-off of equal images up to a full spectrum.
    if float(between.square().sum()) > n_images * floor:
        whitened = between @ whitening
        # The smaller Gram matrix has the same eigenvalues; the rest, up to dim, are 0.
        gram = whitened.T @ whitened if n_images >= dim else whitened @ whitened.T
        found = clean_eigenvalues(gram / (n_images - 1), longest_side=max(n_images, dim))
        eigenvalues[: found.numel()] = found
    return eigenvalues


def _means_and_within(views: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of each image (n_images, dim) and the summed within-image scatter (dim, dim)."""
    means, scatters = [], []
    # In chunks: a float64 copy of all views at once would be the largest object by far.
    for chunk in torch.split(views, IMAGES_AT_ONCE):
        values = to_float64(chunk)
        mean = values.mean(dim=1)
        centred = (values - mean[:, None]).flatten(end_dim=1)
        means.append(mean)
        scatters.append(centred.T @ centred)
    return torch.cat(means), torch.stack(scatters).sum(dim=0)


def _whitening(scatter: Tensor, degrees: int, *, delta: float, floor: float) -> Tensor:
    """Σ_w^−½ up to a rotation, which leaves the eigenvalues of the whitened Σ_b as they are."""
    check_no_overflow(scatter)
    variances, directions = torch.linalg.eigh(scatter / degrees)
    # Round-off is cut before δ is added: at δ = 0 it would pass for a direction without noise.
    tolerance = max(max(degrees, variances.numel()) * EPS64 * float(variances[-1]), floor)
    variances = torch.where(variances > tolerance, variances, 0.0) + delta
    if float(variances[0]) <= 0.0:
        n_flat = int((variances <= 0.0).sum())
        raise EmbeddingError(
            f"views: got {n_flat} of {variances.numel()} directions without variance between the "
            "views of an image at delta=0, wanted a within-image covariance of full rank; pass "
            "delta > 0 (1e-4 is usual), more views, or fewer dimensions."
        )
    whitening: Tensor = directions * variances.rsqrt()
    return whitening
