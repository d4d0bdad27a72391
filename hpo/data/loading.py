"""The one door to images: a `--data` argument in, an `ImageSet` out."""

import math
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from hpo.data.array_source import DIGITS, ArraySource
from hpo.data.cache import ImageCache
from hpo.data.folder import load_folder
from hpo.data.image_set import ImageSet
from hpo.data.torchvision_sets import NAMES, PREFIX
from hpo.errors import ConfigError, DataError

_GIB = 2**30
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
    cache_dir: Path | None = None,
    cache_gib: float = 0.0,
    note: Callable[[str], None] = lambda text: None,
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
        cache_dir: where decoded images are kept for other trials, processes and studies; None
            takes `goldilocks-hpo` in the user's cache folder.
        cache_gib: most that is kept there, in GiB; what was not used for longest is deleted. A
            folder of more is decoded again at every reading. 0 keeps the images in memory.
        note: told what the user should know: that images are streamed, or a cache was damaged.

    Returns:
        The images in the order of their files, uint8, with their labels and fingerprint.

    Raises:
        DataError: the data are missing, damaged, of the wrong kind or too large for memory.
        ConfigError: a number is outside its range.
        StorageError: the cache cannot be written, or has no room.

    >>> digits = load_images("digits", image_size=None, data_root=None, with_labels=True,
    ...                      max_images=None, seed=0)
    >>> digits.images.shape, len(digits.class_names)
    ((1797, 1, 16, 16), 10)
    """
    if image_size is not None and image_size < 1:
        raise ConfigError(
            f"image_size: got {image_size}, wanted at least 1, or None to choose one."
        )
    if not 0 <= max_unreadable_share <= 1:
        raise ConfigError(f"max_unreadable_share: got {max_unreadable_share}, wanted 0 to 1.")
    if not 0 <= cache_gib < math.inf:
        raise ConfigError(f"cache_gib: got {cache_gib}, wanted 0 or more, in GiB.")
    cache = ImageCache(cache_dir, int(cache_gib * _GIB), note) if cache_gib else None
    if _is_folder(source):
        return load_folder(
            source,
            image_size=image_size,
            with_labels=with_labels,
            max_images=max_images,
            seed=seed,
            max_unreadable_share=max_unreadable_share,
            cache=cache,
            progress=progress,
        )
    _check_known(source)
    arrays = ArraySource(source, data_root, image_size, with_labels, max_images, seed)
    return arrays.load(cache, progress)


def _is_folder(source: str) -> bool:
    named = source in ("", DIGITS) or source.startswith(PREFIX)
    return not named and Path(source).expanduser().is_dir()


def _check_known(source: str) -> None:
    if source == DIGITS or source.startswith(PREFIX):
        return
    path = Path(source).expanduser()
    if not (path.is_file() and path.suffix.lower() == ".npz"):
        raise DataError(_explain_unknown(source, path))


def _explain_unknown(source: str, path: Path) -> str:
    if source and path.is_file():
        return f"{source} is a single file, and no .npz: {FORMS}."
    known = {DIGITS: DIGITS, **{name.lower(): f"{PREFIX}{name}" for name in NAMES}}
    near = get_close_matches(source.lower(), known, n=1, cutoff=0.7)
    hint = f" Did you mean {known[near[0]]}?" if near else ""
    return f"There is no file or folder {source!r}: {FORMS}.{hint}"
