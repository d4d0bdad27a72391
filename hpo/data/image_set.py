"""The images of a study: decoded once, square, uint8, with a fingerprint."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from hpo.data.pixel_digest import start_pixel_digest
from hpo.data.store import ImageStore, TensorStore, read_all
from hpo.errors import DataError


@dataclass(frozen=True, eq=False)
class ImageSet:
    """All images of a study, as every trial reads them.

    Equality is identity: to ask whether two sets hold the same data, compare their fingerprints.

    Args:
        images: `(n_images, channels, size, size)` uint8, channels 1 (grey) or 3 (RGB); in memory,
            in a mapped file, or decoded when they are read.
        labels: `(n_images,)` int64 positions in `class_names`, -1 for an unlabelled image; None
            when labels were not asked for.
        class_names: one name a class; empty when `labels` is None.
        source: what the images were loaded from, as the user wrote it.
        fingerprint: 64 hex digits that change with any image or label: `fingerprint_of(images,
            labels)`; of a streamed set, with any byte of its files.
        native_size: shorter side in pixels of the images before resizing (the median of a folder).
        skipped: one `"relative/path: reason"` for each file that was left out.

    Raises:
        DataError: a tensor has another dtype, shape or range than stated above.
    """

    images: ImageStore
    labels: Tensor | None
    class_names: tuple[str, ...]
    source: str
    fingerprint: str
    native_size: int
    skipped: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_shape(self.images.shape, "torch.uint8")
        if self.labels is not None:
            _check_labels(self.labels, len(self.images), len(self.class_names))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for RGB."""
        return self.images.shape[1]

    @property
    def image_size(self) -> int:
        """Side of the square images, in pixels."""
        return self.images.shape[-1]

    def tensor(self) -> Tensor:
        """Return a copy of all images in one tensor, for sets that fit in memory."""
        return read_all(self.images)

    @classmethod
    def of(
        cls,
        images: ImageStore,
        labels: Tensor | None,
        *,
        pixel_digest: str,
        class_names: tuple[str, ...],
        source: str,
        native_size: int,
        skipped: tuple[str, ...],
    ) -> Self:
        """Make a set whose pixels' digest is known.

        Args:
            images: the store.
            labels: as in the class.
            pixel_digest: 64 hex digits that change with the images.
            class_names: as in the class.
            source: as in the class.
            native_size: as in the class.
            skipped: as in the class.

        Raises:
            DataError: labels have another dtype, shape or range than stated above.
        """
        return cls(
            images=images,
            labels=labels,
            class_names=class_names,
            source=source,
            fingerprint=_with_labels(pixel_digest, labels),
            native_size=native_size,
            skipped=skipped,
        )

    @classmethod
    def from_tensors(
        cls,
        images: Tensor,
        labels: Tensor | None = None,
        *,
        class_names: tuple[str, ...] | None = None,
        source: str = "tensors",
        native_size: int | None = None,
        skipped: tuple[str, ...] = (),
        files: Sequence[Path] | None = None,
    ) -> Self:
        """Make a set from images that are in memory already, and take their fingerprint.

        Args:
            images: `(n_images, 1 or 3, size, size)` uint8.
            labels: `(n_images,)` int64, each -1 or a position in `class_names`; None for no labels.
            class_names: one name a class; None numbers the classes from 0 to the largest label.
            source: what to call the data in messages and reports.
            native_size: pixels before resizing; None says that nothing was resized.
            skipped: files that were left out, with the reason.
            files: the picture that each image was made from, if they came from files.

        Returns:
            The set. Its tensors are the ones given, not copies.

        Raises:
            DataError: a tensor has another dtype, shape or range than stated above.

        >>> len(ImageSet.from_tensors(torch.zeros(5, 1, 8, 8, dtype=torch.uint8)))
        5
        """
        _check_images(images)
        if class_names is None:
            n_classes = 0 if labels is None or labels.numel() == 0 else int(labels.max()) + 1
            class_names = tuple(str(number) for number in range(n_classes))
        return cls(
            images=TensorStore(images, files),
            labels=labels,
            class_names=class_names,
            source=source,
            fingerprint=fingerprint_of(images, labels),
            native_size=images.shape[-1] if native_size is None else native_size,
            skipped=skipped,
        )


def fingerprint_of(images: Tensor, labels: Tensor | None) -> str:
    """Digest of the data, so that a study can refuse to go on with other data.

    Args:
        images: any shape, uint8.
        labels: `(n_images,)` int64, or None. Labels count: the same images with and without labels
            have different fingerprints.

    Returns:
        64 hex digits: SHA-256 over the shape and the image bytes; with labels, SHA-256 over that
        and the label bytes.

    >>> fingerprint_of(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), None)[:8]
    'e219f922'
    """
    digest = start_pixel_digest(tuple(images.shape))
    digest.update(images.cpu().contiguous().flatten().numpy().data)
    return _with_labels(digest.hexdigest(), labels)


def _with_labels(pixel_digest: str, labels: Tensor | None) -> str:
    if labels is None:
        return pixel_digest
    digest = hashlib.sha256(f"{pixel_digest} labels".encode())
    digest.update(labels.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _check_images(images: Tensor) -> None:
    _check_shape(tuple(images.shape), str(images.dtype))


def _check_shape(shape: tuple[int, ...], dtype: str) -> None:
    square = len(shape) == 4 and shape[1] in (1, 3) and shape[2] == shape[3] > 0
    if dtype != "torch.uint8" or not square or shape[0] == 0:
        raise DataError(
            f"images: got {dtype} of shape {shape}, "
            "wanted torch.uint8 of shape (n_images, 1 or 3, size, size) with at least one image."
        )


def _check_labels(labels: Tensor, n_images: int, n_classes: int) -> None:
    if labels.dtype != torch.int64 or tuple(labels.shape) != (n_images,):
        raise DataError(
            f"labels: got {labels.dtype} of shape {tuple(labels.shape)}, "
            f"wanted torch.int64 of shape ({n_images},), one label an image."
        )
    low, high = int(labels.min()), int(labels.max())
    if low < -1 or high >= n_classes:
        raise DataError(
            f"labels: got values from {low} to {high}, wanted -1 (unlabelled) "
            f"or a position in the {n_classes} class names."
        )
