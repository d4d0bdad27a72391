"""View retrieval: does a view find its own image among the others?"""

import torch
from torch import Tensor

from objectives.embeddings import ArrayLike, check_views, to_float64
from objectives.round_off import check_no_overflow, mean_round_off

COSINES_AT_ONCE = 1 << 22

TIE = 1e-12
"""Cosines closer than this are equal: above the round-off of a float64 dot product (at the very
worst dim · eps) and far below the eps of a float32 network."""


def view_retrieval(views: ArrayLike) -> float:
    """Measure how often the nearest neighbour of a view is another view of the same image.

        u_ia = (e_ia − ē_a) / ‖e_ia − ē_a‖,   ē_a = mean over images of view index a
        h_ia = [u_ia · u_ib ≥ u_ia · u_jb for all j] / (how many j reach that maximum),
        b = (a + 1) mod n_views,   retrieval = mean of h over images and view indices

    So each view index queries the next one, the last queries the first, and two views give both
    directions. Unlike the rank measures it cannot be raised by noise: a constant vector plus noise
    reads 1 / n_images on average, as noise does not carry from one view to the other. And being
    centred and free of scale it reads a shrunken but intact representation as intact.

    It rewards any trace of the image that survives the augmentation, whether or not it means
    anything: an untrained network is well above chance, and a weak augmentation lets pixels decide.
    Use the same images and the same fixed augmentation in all trials.

    Ties never count as a full hit: with k images at the same largest cosine (to 1e-12) the query
    scores 1/k. An image whose centred embedding is zero up to round-off, in the query's or the
    gallery's view, has no direction and scores a guess, 1 / n_images; to other queries its cosine
    is 0. A constant network therefore reads exactly chance, whatever its round-off.

    Args:
        views: Shape (n_images, n_views, dim), floating, any device, at least 2 images and 2 views:
            `views[i]` holds the views of image i; view index a is the same augmentation, or an
            independent draw, for all images. Backbone features; a few hundred images.

    Returns:
        Between 0 and 1; higher is better; chance is 1 / n_images. It falls as n_images grows:
        compare only values over equally many images. Its standard error is about
        √(p (1 − p) / n_images) at the value p.

    Raises:
        EmbeddingError: See `check_views`; or values whose squares overflow float64.

    References:
        Our own: view retrieval as in the project's first experiment on what happens when label-free
        measures are optimised, with 400 images and two views.

    Examples:
        >>> first = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
        >>> view_retrieval(torch.stack([first, 2.0 * first + 5.0], dim=1))
        1.0
        >>> view_retrieval(torch.full((4, 2, 3), 0.1))
        0.25
    """
    checked = check_views(views)
    n_images, n_views, _ = checked.shape
    total = 0.0
    for index in range(n_views):
        queries, asking = _directions(checked[:, index])
        gallery, answering = _directions(checked[:, (index + 1) % n_views])
        hits = _hits(queries, gallery)
        total += float(torch.where(asking & answering, hits, 1.0 / n_images).sum())
    return total / (n_images * n_views)


def _directions(view: Tensor) -> tuple[Tensor, Tensor]:
    """Centred unit rows (n_images, dim), zero where there is no direction, and where there is."""
    values = to_float64(view)
    mean = values.mean(dim=0)
    centred = values - mean
    squares = centred.square().sum(dim=1)
    # Both: the round-off bound is a square of the mean, and an infinite one would hide every row.
    check_no_overflow(squares)
    check_no_overflow(mean.square().sum())
    directed = squares > mean_round_off(mean)
    return torch.where(directed[:, None], centred / squares.sqrt()[:, None], 0.0), directed


def _hits(queries: Tensor, gallery: Tensor) -> Tensor:
    """1/k where the own image shares the largest cosine with k − 1 others, else 0; (n_images,)."""
    n_images = queries.shape[0]
    # In chunks of queries: the full matrix of cosines is quadratic in the images.
    chunk = max(1, COSINES_AT_ONCE // n_images)
    hits = []
    for start in range(0, n_images, chunk):
        cosines = queries[start : start + chunk] @ gallery.T
        own = cosines.diagonal(offset=start)[:, None]
        beaten = (cosines > own + TIE).any(dim=1)
        tied = (cosines >= own - TIE).sum(dim=1)
        hits.append(torch.where(beaten, 0.0, tied.double().reciprocal()))
    return torch.cat(hits)
