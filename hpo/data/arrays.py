"""Images in an `.npz` file."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.errors import DataError

_WANTED = (
    "images as uint8 of shape (n, height, width), (n, height, width, 1) or (n, height, width, 3)"
)


@dataclass(frozen=True)
class ArrayImages:
    """Images of one size, before a subset is taken and before they are resized.

    Args:
        images: `(n_images, height, width, channels)` uint8, channels 1 or 3.
        labels: `(n_images,)` int64 positions in `class_names`, -1 for unlabelled; None if unwanted.
        class_names: one name a class.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]


def read_npz(path: Path, *, with_labels: bool) -> ArrayImages:
    """Read `images`, and `labels` when they are wanted, from an `.npz` file.

    Args:
        path: a file written by `numpy.savez`; nothing in it is unpickled.
        with_labels: whether to read `labels`, `(n_images,)` integers (-1: unlabelled) or strings.

    Returns:
        The images as they are, and labels renumbered from 0 in the order of their values.

    Raises:
        DataError: the file is no such archive, or an array is missing or of the wrong kind.
    """
    arrays = _read_arrays(path, ("images", "labels") if with_labels else ("images",))
    images = _check_images(path, arrays["images"])
    if not with_labels:
        return ArrayImages(images, None, ())
    _check_labels(path, arrays["labels"], len(images))
    return ArrayImages(images, *number_labels(arrays["labels"]))


def number_labels(values: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Number classes from 0, in the order of their values.

    Args:
        values: `(n_images,)` integers, -1 for unlabelled, or strings.

    Returns:
        `(n_images,)` int64 positions in the names (-1 stays), and the names.

    >>> number_labels(np.array([30, -1, 10]))[1]
    ('10', '30')
    """
    names, positions = np.unique(values, return_inverse=True)
    labels = positions.astype(np.int64)
    if names.dtype.kind in "iu" and names[0] == -1:
        names, labels = names[1:], labels - 1
    return labels, tuple(str(name) for name in names)


def _read_arrays(path: Path, wanted: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    if not zipfile.is_zipfile(path):
        raise DataError(
            f"{path} is not an .npz archive; write it with numpy.savez(path, images=array)."
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            for key in wanted:
                if key not in archive.files:
                    found = ", ".join(archive.files) or "nothing"
                    raise DataError(
                        f"{path} has no array {key!r}: found {found}; wanted {_WANTED}."
                    )
            return {key: archive[key] for key in wanted}
    except DataError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read: {error}. Wanted {_WANTED}.") from error


def _check_images(path: Path, images: NDArray[Any]) -> NDArray[np.uint8]:
    got = f"{path}: got images as {images.dtype} of shape {images.shape}, wanted {_WANTED}"
    if images.dtype != np.uint8:
        raise DataError(f"{got}. {_dtype_hint(images)}")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise DataError(f"{got}. {_shape_hint(images.shape)}")
    if images.size == 0:
        raise DataError(f"{got}, none of them 0.")
    return images


def _dtype_hint(images: NDArray[Any]) -> str:
    if images.dtype.kind != "f":
        return "Scale the values to 0..255 and cast them with .astype('uint8')."
    if images.size and images.min() >= 0 and images.max() <= 1:
        return (
            "Values from 0 to 1: multiply by 255 and cast, (images * 255).round().astype('uint8')."
        )
    return "Scale the values to 0..255, then .round().astype('uint8')."


def _shape_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 4 and shape[-1] == 4:
        return "Four channels look like RGBA: lay them on a background and save three."
    if len(shape) == 4 and shape[1] in (1, 3):
        return "The channels look to be first: move them last, images.transpose(0, 2, 3, 1)."
    return "Reshape it, or save one array with all images."


def _check_labels(path: Path, labels: NDArray[Any], n_images: int) -> None:
    got = (
        f"{path}: got labels as {labels.dtype} of shape {labels.shape}, "
        f"wanted integers or strings of shape ({n_images},), one an image"
    )
    if labels.dtype.kind not in "iuU" or labels.shape != (n_images,):
        raise DataError(f"{got}.")
    if labels.dtype.kind == "i" and labels.min() < -1:
        raise DataError(
            f"{got}; the smallest is {labels.min()}, and only -1 (unlabelled) is negative."
        )
