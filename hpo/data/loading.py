"""The one door to images: a `--data` argument in, an `ImageSet` out."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

import torch

from hpo.data.arrays import ArrayImages, read_npz
from hpo.data.digits import AUTOMATIC_SIZE, read_digits
from hpo.data.folder import load_folder
from hpo.data.image_set import ImageSet
from hpo.data.resizing import resize_all
from hpo.data.sizing import automatic_size, check_memory, choose_subset
from hpo.data.torchvision_sets import NAMES, PREFIX, read_torchvision
from hpo.errors import ConfigError, DataError

DIGITS = "digits"
FORMS = f"--data takes {DIGITS}, a folder of images, FILE.npz, or {PREFIX}NAME ({', '.join(NAMES)})"


def load_images(
    source: str,
    *,
    image_size: int | None,
    data_root: Path | None,
    with_labels: bool,
    max_images: int | None,
    seed: int,
    max_unreadable_share: float = 0.01,
    progress: Callable[[int, int], None] | None = None,
) -> ImageSet:
    """Read, resize and label the images of a study, once, before its trials start.

    The shorter side becomes `image_size` (antialiased bilinear) and the centre square is kept.

    Args:
        source: `digits` (scikit-learn's), a folder (flat, or with one sub-folder a class), a
            `FILE.npz` with `images` and perhaps `labels`, or `torchvision:NAME`. Write `./digits`
            for a folder of that name.
        image_size: side in pixels, at least 1. None: 16 for `digits`; otherwise the shorter side
            (of a folder, the median) rounded up to a multiple of 8 if it is at most 40, else 64.
        data_root: where the files of `torchvision:NAME` are; None looks in `./data`.
        with_labels: whether to read labels. If not they are not looked at, and `labels` is None.
        max_images: keep a random subset of at most so many; None keeps all.
        seed: chooses the subset: the same data, number and seed give the same images.
        max_unreadable_share: share of a folder's files, 0..1, that may be unreadable and skipped.
        progress: called with (images done, images in all), in the calling thread.

    Returns:
        The images in the order of their files, uint8, with their labels and fingerprint.

    Raises:
        DataError: the data are missing, damaged, of the wrong kind or too large for memory.
        ConfigError: a number is outside its range.

    >>> digits = load_images("digits", image_size=None, data_root=None, with_labels=True,
    ...                      max_images=None, seed=0)
    >>> tuple(digits.images.shape), len(digits.class_names)
    ((1797, 1, 16, 16), 10)
    """
    if image_size is not None and image_size < 1:
        raise ConfigError(
            f"image_size: got {image_size}, wanted at least 1, or None to choose one."
        )
    if not 0 <= max_unreadable_share <= 1:
        raise ConfigError(f"max_unreadable_share: got {max_unreadable_share}, wanted 0 to 1.")
    if _is_folder(source):
        return load_folder(
            source,
            image_size=image_size,
            with_labels=with_labels,
            max_images=max_images,
            seed=seed,
            max_unreadable_share=max_unreadable_share,
            progress=progress,
        )
    if source == DIGITS and image_size is None:
        image_size = AUTOMATIC_SIZE
    arrays = _read_arrays(source, data_root, with_labels=with_labels)
    kept = choose_subset(len(arrays.images), max_images, seed)
    return _from_arrays(source, arrays, kept, image_size, progress)


def _is_folder(source: str) -> bool:
    named = source in ("", DIGITS) or source.startswith(PREFIX)
    return not named and Path(source).expanduser().is_dir()


def _read_arrays(source: str, data_root: Path | None, *, with_labels: bool) -> ArrayImages:
    if source == DIGITS:
        return read_digits(with_labels=with_labels)
    if source.startswith(PREFIX):
        name = source.removeprefix(PREFIX)
        return read_torchvision(name, data_root=data_root, with_labels=with_labels)
    path = Path(source).expanduser()
    if path.is_file() and path.suffix.lower() == ".npz":
        return read_npz(path, with_labels=with_labels)
    raise DataError(_explain_unknown(source, path))


def _explain_unknown(source: str, path: Path) -> str:
    if source and path.is_file():
        return f"{source} is a single file, and no .npz: {FORMS}."
    known = {DIGITS: DIGITS, **{name.lower(): f"{PREFIX}{name}" for name in NAMES}}
    near = get_close_matches(source.lower(), known, n=1, cutoff=0.7)
    hint = f" Did you mean {known[near[0]]}?" if near else ""
    return f"There is no file or folder {source!r}: {FORMS}.{hint}"


def _from_arrays(
    source: str,
    arrays: ArrayImages,
    kept: list[int],
    image_size: int | None,
    progress: Callable[[int, int], None] | None,
) -> ImageSet:
    n_images, height, width, channels = arrays.images.shape
    native_size = min(height, width)
    if image_size is None:
        image_size = automatic_size(native_size)
    check_memory(len(kept), channels, image_size)
    # Without a subset, do not copy: STL10 alone is 3 GiB.
    images = arrays.images if len(kept) == n_images else arrays.images[kept]
    if arrays.labels is not None and len(arrays.class_names) < 2:
        raise DataError(
            f"Labels were asked for, but {source} has {len(arrays.class_names)} classes; "
            "wanted at least 2. Leave the labels out, or give labelled data."
        )
    return ImageSet.from_tensors(
        resize_all(images, image_size, progress),
        None if arrays.labels is None else torch.from_numpy(arrays.labels[kept]),
        class_names=arrays.class_names,
        source=source,
        native_size=native_size,
    )
