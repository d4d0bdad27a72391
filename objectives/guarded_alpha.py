"""The guarded α: how far a spectrum has left its flat start, where views find their image."""

import math

from objectives.alpha_req import alpha_req
from objectives.embeddings import ArrayLike
from objectives.guarded import GateVerdict, check_one_layer, log_product
from objectives.retrieval import view_retrieval

_ROUND_OFF = 1e-9


def guarded_alpha_score(alpha: float, retrieval: float) -> float:
    """Weigh α with view retrieval, both already measured on the backbone.

        ln α + ln retrieval

    Args:
        alpha: Decay exponent of the covariance spectrum, at least 0 and finite, or nan. A spectrum
            is sorted, so what lies below 0 by the round-off of a flat one counts as 0.
        retrieval: View retrieval, in [0, 1], or nan.

    Returns:
        Higher is better; seldom above 1. −inf where either is 0, nan where either is nan.

    Raises:
        InvalidArgumentError: A number is out of its range.

    Examples:
        >>> round(guarded_alpha_score(2.0, 0.5), 6)
        0.0
    """
    return log_product(0.0 if -_ROUND_OFF <= alpha < 0.0 else alpha, "alpha", retrieval)


def guarded_alpha(
    embeddings: ArrayLike,
    views: ArrayLike,
    *,
    first_rank: int = 4,
    last_rank: int = 100,
    refit: bool = False,
    verdict: GateVerdict | None = None,
) -> float:
    """Measure the spectral decay of the backbone's features where views find their image.

        ln α(embeddings) + ln retrieval(views)

    The authors of α-ReQ look for an α near 1. In a search that varies everything the flattest
    spectra are those of networks that hardly learned, and α rises as one does; what rises too far
    has lost its images, and fewer views find theirs. So the two hold each other: α speaks early in
    training, when views say little yet, and retrieval keeps it from rewarding a collapse. It is a
    heuristic, not a theorem; the evidence is in `benchmarks/`.

    Args:
        embeddings: Shape (n_samples, dim), floating, any device: backbone features of images
            without augmentation. See `alpha_req`.
        views: Shape (n_images, n_views, dim), floating, any device: backbone features of fixed
            augmented views, of the same images or of fewer. See `view_retrieval`.
        first_rank: First rank of the fit, 1-based; see `alpha_req`, as for the next two.
        last_rank: Last rank of the fit.
        refit: Whether the range follows the authors' second attempt.
        verdict: From `gate`; None where nothing was judged.

    Returns:
        Higher is better; seldom above 1. −inf behind a closed gate, whatever the inputs hold: worse
        than any finite score. −inf too where no view finds its image or the spectrum is flat, and
        nan where no power law could be fitted. Compare only over the same images, views and dim.

    Raises:
        EmbeddingError: Behind an open gate: see `alpha_req` and `view_retrieval`; or dim differs.
        InvalidArgumentError: The range of ranks is empty.

    References:
        α: Agrawal et al., NeurIPS 2022. The product with retrieval is ours.

    Examples:
        >>> import torch
        >>> from objectives.guarded import gate
        >>> axes = torch.diag(torch.arange(1, 17) ** -1.0)
        >>> clean = torch.cat([axes, -axes])
        >>> views = torch.stack([clean, clean], dim=1)
        >>> round(guarded_alpha(clean, views), 6) == round(math.log(2.0), 6)
        True
        >>> guarded_alpha(clean, views, verdict=gate(moved=0.0))
        -inf
    """
    if verdict is not None and not verdict.open:
        return -math.inf
    check_one_layer(embeddings, views)
    fit = alpha_req(embeddings, first_rank=first_rank, last_rank=last_rank, refit=refit)
    return guarded_alpha_score(fit.alpha, view_retrieval(views))
