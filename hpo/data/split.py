"""Which images train, which are measured on, and which are kept for the linear probe."""

from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from hpo.errors import ConfigError, DataError

# One image in five, for the measure as for the probe.
ONE_IN = 5


@dataclass(frozen=True, eq=False)
class Split:
    """Three disjoint parts of an image set, together all of it.

    Args:
        train: `(n_train,)` int64 positions, ascending; what the backbones are trained on.
        measure: `(n_measure,)` int64 positions, ascending; what the label-free measures read.
        probe: `(n_probe,)` int64 positions, ascending, all labelled; empty without a probe.
    """

    train: Tensor
    measure: Tensor
    probe: Tensor


def split_images(
    n_images: int, *, labels: Tensor | None, n_measure: int, n_probe: int, seed: int
) -> Split:
    """Divide images at random; the same arguments give the same parts.

    The measure part is drawn first and without looking at labels, so it is the same with and
    without a probe; the probe part is drawn from the labelled images left, each class in proportion
    and with at least 2 images where `n_probe` and the class allow it. Without a probe no label is
    looked at.

    Args:
        n_images: number of images.
        labels: `(n_images,)` int64, -1 for unlabelled; None when there are none.
        n_measure: size of the measure part, at least 0.
        n_probe: size of the probe part, at least 0; 0 for no probe.
        seed: any integer.

    Returns:
        The parts; the train part is all that the other two leave, and is not empty.

    Raises:
        DataError: there are fewer images, or fewer labelled ones, than the parts need.
        ConfigError: a size is negative, or `labels` has another shape.

    >>> split = split_images(100, labels=None, n_measure=20, n_probe=0, seed=0)
    >>> len(split.train), len(split.measure), len(split.probe)
    (80, 20, 0)
    """
    _check_counts(n_images=n_images, n_measure=n_measure, n_probe=n_probe)
    if n_measure + n_probe >= n_images:
        raise DataError(
            f"n_images: got {n_images}, wanted more than the {n_measure} to measure and the "
            f"{n_probe} to probe, so that some are left to train on."
        )
    order = torch.randperm(n_images, generator=torch.Generator().manual_seed(seed))
    measure, rest = order[:n_measure], order[n_measure:]
    probe = _draw_probe(rest, labels, n_images, n_probe) if n_probe else rest[:0]
    is_train = torch.ones(n_images, dtype=torch.bool)
    is_train[measure] = False
    is_train[probe] = False
    return Split(is_train.nonzero().flatten(), measure.sort().values, probe.sort().values)


def planned_sizes(
    n_images: int,
    *,
    minimum_measure: int,
    minimum_train: int,
    with_probe: bool,
    max_measure: int = 1024,
    max_probe: int = 5000,
    n_labelled: int | None = None,
    n_probe: int | None = None,
) -> tuple[int, int]:
    """How many images to set aside: one in five to measure, and one in five to probe if asked for.

    Args:
        n_images: number of images.
        minimum_measure: fewest images that the measures need; raises `max_measure` if above it.
        minimum_train: fewest images that training needs.
        with_probe: whether a linear probe follows.
        max_measure: most images to measure on: the measures settle, and their cost grows.
        max_probe: most images to probe with.
        n_labelled: number of labelled images, of which the probe takes one in five; None: all are.
        n_probe: images to probe with, where somebody said so.

    Returns:
        `(n_measure, n_probe)`, for `split_images`.

    Raises:
        DataError: fewer than `minimum_train` images would be left, or too few are labelled.
        ConfigError: a number is negative.

    >>> planned_sizes(1797, minimum_measure=256, minimum_train=512, with_probe=True)
    (359, 359)
    """
    _check_counts(
        n_images=n_images,
        minimum_measure=minimum_measure,
        minimum_train=minimum_train,
        max_measure=max_measure,
        max_probe=max_probe,
        n_labelled=n_labelled or 0,
        n_probe=n_probe or 0,
    )
    labelled = n_images if n_labelled is None else n_labelled
    if with_probe and n_probe is not None and n_probe > labelled:
        raise DataError(
            f"n_probe: got {n_probe} images to probe with, but only {labelled} of {n_images} are "
            "labelled. Ask for fewer."
        )

    def plan(n: int) -> tuple[int, int]:
        n_measure = max(minimum_measure, min(n // ONE_IN, max_measure))
        n_labels = n if n_labelled is None else n_labelled
        wanted = min(n_labels // ONE_IN, max_probe) if n_probe is None else n_probe
        return n_measure, wanted if with_probe else 0

    def is_enough(n: int) -> bool:
        return n - sum(plan(n)) >= minimum_train

    if not is_enough(n_images):
        enough = next(n for n in count(n_images + 1) if is_enough(n))
        raise DataError(
            f"n_images: got {n_images}, wanted at least {enough}, to leave {minimum_train} to "
            f"train on beside {plan(enough)[0]} to measure on and {plan(enough)[1]} to probe with. "
            "Add images (or raise --max-images), or choose a smaller --batch-size, another "
            "--objective or no probe."
        )
    n_measure, n_probed = plan(n_images)
    if with_probe and n_probed < 2:
        raise DataError(
            f"n_probe: got {n_probed}, planned from {n_images} images of which {labelled} are "
            "labelled, wanted at least 2. "
            "Label more images, or leave the probe out."
        )
    return n_measure, n_probed


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 0:
            raise ConfigError(f"{name}: got {value}, wanted 0 or more.")


def _draw_probe(rest: Tensor, labels: Tensor | None, n_images: int, n_probe: int) -> Tensor:
    """Take the first images of each class in `rest`, which is in random order."""
    if labels is None:
        raise DataError(f"n_probe: got {n_probe} without labels; a probe needs labelled images.")
    if tuple(labels.shape) != (n_images,):
        raise ConfigError(f"labels: got shape {tuple(labels.shape)}, wanted ({n_images},).")
    labelled = rest[labels[rest] >= 0]
    if len(labelled) < n_probe:
        raise DataError(
            f"n_probe: got {n_probe}, but only {len(labelled)} labelled images are left beside the "
            f"measure part. Label more images, or probe with {len(labelled)} at most."
        )
    shares = _shares(labels[labelled].bincount(), n_probe)
    return torch.cat(
        [labelled[labels[labelled] == label][:share] for label, share in enumerate(shares.tolist())]
    )


def _shares(available: Tensor, n_wanted: int) -> Tensor:
    """Divide `n_wanted` over classes in proportion, in whole numbers (largest remainder)."""
    least = available.clamp(max=2)
    if int(least.sum()) > n_wanted:
        least = torch.zeros_like(available)
    capacity = available - least
    left = n_wanted - int(least.sum())
    total = max(int(capacity.sum()), 1)
    shares = least + capacity * left // total
    missing = n_wanted - int(shares.sum())
    fullest = (capacity * left % total).argsort(descending=True, stable=True)
    shares[fullest[:missing]] += 1
    return shares
