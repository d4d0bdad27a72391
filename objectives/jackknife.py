"""How sure a value is: a delete-a-group jackknife over images."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from scipy.special import stdtrit  # scipy.stats has it too, and takes four times as long to import
from torch import Tensor

from objectives.embeddings import ArrayLike, check_embeddings, check_views
from objectives.errors import InvalidArgumentError

Measure: TypeAlias = Callable[[Tensor], float]


@dataclass(frozen=True)
class Interval:
    """A measured value with how far another draw of as many images could have moved it.

    It speaks of the images and of nothing else: training the same configuration again with another
    seed moves these measures far more than drawing other images does.

    Attributes:
        value: The measure of all samples, as it is: not corrected by `bias`.
        low: Lower end, value − t · standard_error.
        high: Upper end, value + t · standard_error.
        standard_error: Of the value, over draws of n_samples images; at least 0.
        bias: Estimate of value minus what infinitely many images would give: negative for a rank.
            Good where the value moves as 1/n, from about 2 · dim images up; no guide below.
        n_samples: Images the value was measured on.
        n_blocks: Blocks that were left out in turn.
        confidence: Share of draws whose interval covers the value expected at n_samples.
    """

    value: float
    low: float
    high: float
    standard_error: float
    bias: float
    n_samples: int
    n_blocks: int
    confidence: float

    @property
    def relative(self) -> float:
        """Half width over |value|, at least 0; lower is surer; inf at a value of 0, or nan."""
        half_width = (self.high - self.low) / 2
        if self.value == 0.0:
            return math.nan if math.isnan(half_width) else math.inf
        return half_width / abs(self.value)


def jackknife(
    measure: Measure,
    samples: ArrayLike,
    *,
    n_blocks: int = 20,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Measure a value and its standard error by leaving out one block of images at a time.

        θ_(j) = measure of all images but those of block j,   j = 1 … g,   m = ⌊n / g⌋ in each block
        se² = (n − m)² / (n m (g − 1)) · Σ_j (θ_(j) − θ̄)²,   bias = (n − m)/m · (θ̄ − θ)
        interval = θ ± t_{g−1} · se

    With n = g m these are the usual (g − 1)/g and g − 1. The n mod g images beyond equal blocks are
    never left out: a rank grows with n, so blocks of unequal sizes would pass for noise.

    Not a bootstrap, which repeats rows: that makes a rank smaller, and its interval then misses
    the very value it was drawn around. Leaving rows out repeats none.

    Cost: n_blocks + 1 evaluations of `measure`, and one copy of the samples at a time.

    Args:
        measure: Takes samples of the dtype and device given, n_images or n_images − m of them,
            returns a number, and does not change what it is given. What it raises passes through.
        samples: Shape (n_images, dim) or (n_images, n_views, dim), floating; see
            `check_embeddings` and `check_views`. Images are left out whole, with all their views.
        n_blocks: g, from 2 to n_images. Fewer are cheaper and less sure of the standard error
            itself: t is 2.36 at 8 blocks and 2.09 at 20.
        confidence: Between 0 and 1, both excluded.
        seed: Of the assignment to blocks, through a generator of its own; torch's global random
            state is neither read nor changed.

    Returns:
        The value and its interval, for the value expected at this n_images (a rank's limit lies
        above it: see `value_curve`). When the measure is not finite on all samples or on any
        block, low, high, standard_error and bias are nan; no block is dropped.

    Raises:
        EmbeddingError: See `check_embeddings` and `check_views`.
        InvalidArgumentError: n_blocks or confidence is out of range.

    References:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 11; Kott, "The
        delete-a-group jackknife", Journal of Official Statistics 17 (2001).

    Examples:
        >>> interval = jackknife(lambda x: float(x.mean()), torch.arange(1.0, 5.0)[:, None],
        ...                      n_blocks=4)
        >>> round(interval.standard_error, 6), round(interval.low, 4), round(interval.high, 4)
        (0.645497, 0.4457, 4.5543)
    """
    checked = check_samples(samples)
    n_samples = checked.shape[0]
    _check_arguments(n_blocks, n_samples, confidence)
    value = float(measure(checked))
    size = n_samples // n_blocks
    left_out = torch.tensor(
        [
            float(measure(_without(checked, block)))
            for block in torch.split(permutation(n_samples, seed)[: size * n_blocks], size)
        ],
        dtype=torch.float64,
    )
    kept = n_samples - size
    scale = kept**2 / (n_samples * size * (n_blocks - 1))
    standard_error = bias = math.nan
    if math.isfinite(value) and bool(left_out.isfinite().all()):
        standard_error = math.sqrt(scale * float((left_out - left_out.mean()).square().sum()))
        bias = kept / size * (float(left_out.mean()) - value)
    half_width = _student(confidence, n_blocks - 1) * standard_error
    return Interval(
        value=value,
        low=value - half_width,
        high=value + half_width,
        standard_error=standard_error,
        bias=bias,
        n_samples=n_samples,
        n_blocks=n_blocks,
        confidence=confidence,
    )


def distinguishable(a: Interval, b: Interval) -> bool:
    """Whether two trials, measured on the same images, differ by more than the images explain.

        |a − b| > t · √(se_a² + se_b²),   t of the smaller n_blocks − 1

    This treats the two values as independent. On the same images a hard draw is as a rule hard for
    both, their errors cancel in the difference, and so the test is conservative: it calls some
    real differences noise, which keeps a prune from acting on noise. It knows nothing of training
    noise: True says that the two networks differ, not that their configurations do.

    Args:
        a: Of one trial.
        b: Of another trial, of the same n_samples and confidence.

    Returns:
        True when they differ; False when they may not, or when either interval is nan.

    Raises:
        InvalidArgumentError: Other n_samples or confidence: the values then differ by design.

    Examples:
        >>> narrow = Interval(5.0, 4.9, 5.1, 0.05, 0.0, 512, 20, 0.95)
        >>> distinguishable(narrow, Interval(5.1, 5.0, 5.2, 0.05, 0.0, 512, 20, 0.95))
        False
        >>> distinguishable(narrow, Interval(5.2, 5.1, 5.3, 0.05, 0.0, 512, 20, 0.95))
        True
    """
    if (a.n_samples, a.confidence) != (b.n_samples, b.confidence):
        raise InvalidArgumentError(
            f"b: got {b.n_samples} samples at confidence {b.confidence}, wanted {a.n_samples} at "
            f"{a.confidence} as in a; a rank grows with the sample count, so measure both trials "
            "on the same images."
        )
    combined = math.hypot(a.standard_error, b.standard_error)
    return abs(a.value - b.value) > combined * _student(
        a.confidence, min(a.n_blocks, b.n_blocks) - 1
    )


def check_samples(samples: ArrayLike) -> Tensor:
    """Check embeddings (n_images, dim) or views (n_images, n_views, dim), by their dimensions.

    Raises:
        EmbeddingError: See `check_embeddings` and `check_views`.

    Examples:
        >>> check_samples(torch.zeros(4, 2, 3)).shape
        torch.Size([4, 2, 3])
    """
    if getattr(samples, "ndim", None) == 3:
        return check_views(samples, name="samples")
    return check_embeddings(samples, name="samples")


def permutation(n_samples: int, seed: int) -> Tensor:
    """Row numbers in a random order that depends on nothing but n_samples and the seed.

    Examples:
        >>> sorted(permutation(3, seed=0).tolist())
        [0, 1, 2]
    """
    return torch.randperm(n_samples, generator=torch.Generator().manual_seed(seed))


def _without(samples: Tensor, block: Tensor) -> Tensor:
    keep = torch.ones(samples.shape[0], dtype=torch.bool)
    keep[block] = False
    return samples[keep.to(samples.device)]


def _student(confidence: float, degrees: int) -> float:
    return float(stdtrit(degrees, (1.0 + confidence) / 2.0))


def _check_arguments(n_blocks: int, n_samples: int, confidence: float) -> None:
    if not 2 <= n_blocks <= n_samples:
        raise InvalidArgumentError(
            f"n_blocks: got {n_blocks} with {n_samples} sample(s), wanted 2 to n_samples; each "
            "block leaves out at least one image: pass fewer blocks or more images."
        )
    if not 0.0 < confidence < 1.0:
        raise InvalidArgumentError(
            f"confidence: got {confidence!r}, wanted a share between 0 and 1, both excluded; pass "
            "0.95 for 95 %."
        )
