"""How many samples are enough, and a cheap measure on few of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from objectives.embeddings import ArrayLike
from objectives.errors import InvalidArgumentError
from objectives.jackknife import Interval, Measure, check_samples, jackknife, permutation

HALVINGS = 4


@dataclass(frozen=True)
class ValueCurve:
    """A value at growing sample counts, each with its interval.

    The interval and the growth are two things: at 1,024 samples of a 512-d k^-1 spectrum RankMe is
    sure to within 1 % and still 8 % below its limit.

    Attributes:
        sizes: Numbers of images, strictly increasing; each subset contains the one before.
        intervals: One for each size.
    """

    sizes: tuple[int, ...]
    intervals: tuple[Interval, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """The value at each size."""
        return tuple(interval.value for interval in self.intervals)

    def enough(self, tolerance: float = 0.05) -> int | None:
        """Find the smallest size from which on the value stays near that of the largest size.

            min { n : |θ(n') − θ(n_max)| ≤ tolerance · |θ(n_max)| for all measured n' ≥ n }

        The yardstick is the largest size measured, not the limit. Where the value moves as 1/n, as
        a rank does well above dim samples, the way from n_max to the limit is as long again as the
        way from n_max / 2 to n_max.

        Args:
            tolerance: Relative, above 0, finite, no unit.

        Returns:
            One of `sizes`; or None when it is only the last, or that is nan: the curve is still
            moving, and more samples would still change the value.

        Raises:
            InvalidArgumentError: The tolerance is not above 0, or not finite.

        Examples:
            >>> import torch
            >>> curve = value_curve(lambda x: 1.0 - 1.0 / len(x), torch.zeros(400, 1),
            ...                     sizes=[10, 50, 100, 200, 400])
            >>> curve.enough(0.05), curve.enough(0.001)
            (50, None)
        """
        if not 0.0 < tolerance < math.inf:
            raise InvalidArgumentError(
                f"tolerance: got {tolerance!r}, wanted a finite number above 0; it is a share of "
                "the value: pass 0.05 for 5 %."
            )
        smallest = None
        largest = self.values[-1]
        for size, value in zip(self.sizes[-2::-1], self.values[-2::-1], strict=True):
            if not abs(value - largest) <= tolerance * abs(largest):
                break
            smallest = size
        return smallest


def value_curve(
    measure: Measure,
    samples: ArrayLike,
    *,
    sizes: Sequence[int] | None = None,
    n_blocks: int = 8,
    confidence: float = 0.95,
    seed: int = 0,
) -> ValueCurve:
    """Measure a value at growing numbers of images, to see how many are enough.

    The subsets are nested: the first images of one random order, so that neighbouring sizes share
    images and the curve is smoother than its intervals are wide.

    Cost: (n_blocks + 1) evaluations for each size; with the halvings of the default, less than
    2 · (n_blocks + 1) of all samples when a measure takes time in proportion to them.

    Args:
        measure: As in `jackknife`; it must take the smallest size less one block.
        samples: Shape (n_images, dim) or (n_images, n_views, dim), floating.
        sizes: Numbers of images, strictly increasing, each from n_blocks to n_images. By default
            n, n/2, … n/16, rounded down, those of at least n_blocks.
        n_blocks: As in `jackknife`.
        confidence: As in `jackknife`.
        seed: Of the random order and of the blocks.

    Returns:
        The curve; see `ValueCurve.enough`.

    Raises:
        EmbeddingError: See `check_embeddings` and `check_views`.
        InvalidArgumentError: sizes, n_blocks or confidence is out of range.

    References:
        Garrido et al., "RankMe", ICML 2023, arXiv 2210.02885, appendix G (its growth with n).

    Examples:
        >>> import torch
        >>> from objectives.rankme import rankme
        >>> value_curve(rankme, torch.eye(32)).sizes
        (8, 16, 32)
    """
    checked = check_samples(samples)
    n_samples = checked.shape[0]
    if sizes is None:
        halved = [n_samples // 2**k for k in range(HALVINGS, 0, -1)]
        sizes = [*(size for size in halved if size >= n_blocks), n_samples]
    elif not _increasing(sizes):
        raise InvalidArgumentError(
            f"sizes: got {list(sizes)!r}, wanted at least one number of images, strictly "
            "increasing; sort them and leave out repeats."
        )
    intervals = [
        quick(measure, checked, n_samples=size, n_blocks=n_blocks, confidence=confidence, seed=seed)
        for size in sizes
    ]
    return ValueCurve(tuple(sizes), tuple(intervals))


def quick(
    measure: Measure,
    samples: ArrayLike,
    *,
    n_samples: int,
    n_blocks: int = 8,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Measure a value on a few images only, with how sure it is: for early rungs.

    The subset depends on the seed, n_samples and the number of images alone. So trials measured on
    the same images in the same order get the same subset, and their values compare at equal
    n_samples, never between two: a rank grows with the count. Use `distinguishable` on the results
    before stopping a trial.

    Cost: n_blocks + 1 evaluations of at most n_samples images.

    Args:
        measure: As in `jackknife`.
        samples: Shape (n_images, dim) or (n_images, n_views, dim), floating.
        n_samples: Images to measure, from n_blocks to n_images.
        n_blocks: As in `jackknife`.
        confidence: As in `jackknife`.
        seed: Of the subset and of the blocks.

    Returns:
        The interval for the value expected at n_samples, not at n_images.

    Raises:
        EmbeddingError: See `check_embeddings` and `check_views`.
        InvalidArgumentError: n_samples, n_blocks or confidence is out of range.

    Examples:
        >>> import torch
        >>> from objectives.rankme import rankme
        >>> interval = quick(rankme, torch.eye(100), n_samples=10, n_blocks=10)
        >>> round(interval.value, 4), round(interval.bias, 4)
        (10.0, -9.0)
    """
    checked = check_samples(samples)
    n_images = checked.shape[0]
    if n_samples > n_images:
        raise InvalidArgumentError(
            f"n_samples: got {n_samples}, wanted at most the {n_images} images there are; embed "
            "more images or ask for fewer."
        )
    if n_samples < n_blocks:
        raise InvalidArgumentError(
            f"n_samples: got {n_samples} with n_blocks={n_blocks}, wanted at least one image a "
            "block; ask for more images or fewer blocks."
        )
    # Sorted, so that all images are the samples as they came and give the same value to the bit.
    chosen = permutation(n_images, seed)[:n_samples].sort().values
    subset = checked[chosen.to(checked.device)]
    return jackknife(measure, subset, n_blocks=n_blocks, confidence=confidence, seed=seed)


def _increasing(sizes: Sequence[int]) -> bool:
    return len(sizes) > 0 and all(a < b for a, b in pairwise(sizes))
