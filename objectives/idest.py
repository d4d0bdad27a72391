"""IdEst: the intrinsic dimension of the embeddings, from their minimum spanning tree."""

import math
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from objectives.embeddings import ArrayLike, check_embeddings
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.spanning_tree import prefix_tree_lengths


@dataclass(frozen=True)
class IdestFit:
    """A power law fitted to the growth of the minimum spanning tree, with its sample sizes.

    The sizes belong to the value: compare only fits over the same ones.

    Attributes:
        dimension: Intrinsic dimension 1/(1 − slope), above 0; inf where the slope is 1 or more; nan
            where no line could be fitted.
        slope: m in L(n) ∝ n^m; nan where no line could be fitted.
        r_squared: Goodness of fit in log-log, at most 1; nan with slope.
        sizes: The subsample sizes, increasing.
    """

    dimension: float
    slope: float
    r_squared: float
    sizes: tuple[int, ...]


def idest(
    embeddings: ArrayLike,
    *,
    n_sizes: int = 16,
    smallest: float = 0.2,
    n_repeats: int = 3,
    seed: int = 0,
) -> IdestFit:
    """Estimate the intrinsic dimension of embeddings from how their spanning tree grows.

        L(n) = length of the minimum spanning tree of n random samples,
        ln L(n) ≈ m ln n + b   over several n < N,   d = 1/(1 − m)

    As in the paper's Algorithm 1: Euclidean distances, no normalisation, evenly spaced sizes from
    n_min below N, unweighted least squares. The paper gives no n_min and no spacing. The defaults
    are the grid of the implementation that it follows (200, 250 … 950 of 1,000), as fractions of N.
    The paper draws once at each size. Here the subsamples of a repeat are nested, the first n of
    one permutation, and ln L(n) is averaged over repeats: three such repeats are about as precise
    as the paper's draws, at half the cost.

    The value depends on N and its bias is towards low: uniform samples of a 20-d cube read about 15
    at N = 1,000. Compare only values over the same images and with the same seed. It looks at
    shape alone, and lower is better without end: embeddings collapsed onto a line or onto few
    points read about 1, the best there is. So gate on collapse first. The authors found it weak in
    the first 10 epochs and for vision-language models.

    Args:
        embeddings: Shape (n_samples, dim), floating, any device: backbone features as a linear
            probe would take them. At least 19 samples at the defaults; 1,000 and more are
            good, and the paper takes 50,000. Equal rows are allowed.
        n_sizes: How many subsample sizes, at least 3.
        smallest: n_min as a fraction of n_samples, between 0 and 1, no unit.
        n_repeats: How many permutations to average over, at least 1.
        seed: Seed of the permutations. The global random state is not touched.

    Returns:
        The fit; lower dimensions are better, 1 or a little above is the least seen. inf, not a
        negative number, for a slope of 1 or more (no finite dimension: all samples about equally
        far apart). nan, never an error, where a tree has length 0, as for equal embeddings.

    Raises:
        EmbeddingError: See `check_embeddings`; too few samples for that many different sizes; or
            squares that overflow float64.
        InvalidArgumentError: n_sizes, smallest or n_repeats is out of its range.

    References:
        Mordacq, Kalogeiton, Oudot, "IdEst", ICML 2026, arXiv 2606.03338, section 3.2.2 and
        Algorithm 1. Costa and Hero (2006) for the estimator. The grid: Dupuis, Deligiannidis,
        Simsekli, "Generalization Bounds using Data-Dependent Fractal Dimensions", ICML 2023, code.

    Examples:
        >>> square = torch.rand(1000, 2, generator=torch.Generator().manual_seed(0))
        >>> fit = idest(torch.cat([square, square.sum(dim=1, keepdim=True)], dim=1))
        >>> round(fit.dimension, 1), fit.sizes[0], fit.sizes[-1]
        (1.9, 200, 950)
    """
    _check_arguments(n_sizes, smallest, n_repeats)
    checked = check_embeddings(embeddings)
    sizes = _subsample_sizes(checked.shape[0], n_sizes, smallest)
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.zeros(n_repeats, n_sizes, dtype=torch.float64)
    for repeat in range(n_repeats):
        order = torch.randperm(checked.shape[0], generator=generator)[: sizes[-1]]
        nested = checked[order.to(checked.device)]
        lengths[repeat] = torch.tensor(prefix_tree_lengths(nested, sizes), dtype=torch.float64)
    if not bool((lengths > 0).all()):
        return IdestFit(math.nan, math.nan, math.nan, sizes)
    slope, r_squared = _line(torch.tensor(sizes, dtype=torch.float64).log(), lengths.log().mean(0))
    dimension = 1.0 / (1.0 - slope) if slope < 1.0 else math.inf
    return IdestFit(dimension, slope, r_squared, sizes)


def _check_arguments(n_sizes: int, smallest: float, n_repeats: int) -> None:
    if n_sizes < 3:
        raise InvalidArgumentError(
            f"n_sizes: got {n_sizes}, wanted at least 3; two points fit any line, so R² would say "
            "nothing."
        )
    if not 0.0 < smallest < 1.0:
        raise InvalidArgumentError(
            f"smallest: got {smallest!r}, wanted a fraction of the samples between 0 and 1, both "
            "excluded; the default is 0.2."
        )
    if n_repeats < 1:
        raise InvalidArgumentError(
            f"n_repeats: got {n_repeats}, wanted at least 1; each is one permutation of the "
            "samples."
        )


def _subsample_sizes(n_samples: int, n_sizes: int, smallest: float) -> tuple[int, ...]:
    if not _suffices(n_samples, n_sizes, smallest):
        too_few = int(max(2 / smallest, (n_sizes - 1) / (1 - smallest))) - 1
        fewest = next(n for n in count(too_few) if _suffices(n, n_sizes, smallest))
        raise EmbeddingError(
            f"embeddings: got {n_samples} sample(s), wanted at least {fewest} for {n_sizes} "
            f"different subsample sizes from {smallest} of the samples; embed more images, a "
            "thousand at least for a value that means something."
        )
    first = math.floor(smallest * n_samples)
    return tuple(first + (n_samples - first) * step // n_sizes for step in range(n_sizes))


def _suffices(n_samples: int, n_sizes: int, smallest: float) -> bool:
    first = math.floor(smallest * n_samples)
    return first >= 2 and n_samples - first >= n_sizes


def _line(log_sizes: Tensor, log_lengths: Tensor) -> tuple[float, float]:
    x = log_sizes - log_sizes.mean()
    y = log_lengths - log_lengths.mean()
    slope = float((x * y).sum() / x.square().sum())
    total = float(y.square().sum())
    # A length that does not grow has no variance to explain: R² would be a ratio of round-offs.
    if total <= 1e-20:
        return slope, 1.0
    return slope, 1.0 - float((y - slope * x).square().sum()) / total
