"""A folder of images, flat or with one sub-folder a class, read in threads."""

import os
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpo.data.decoding import Decoded, Unreadable, decode, pillow_ready, shorter_side
from hpo.data.image_set import ImageSet
from hpo.data.listing import FolderListing, list_folder
from hpo.data.sizing import automatic_size, check_memory, choose_subset
from hpo.errors import DataError

# Enough to keep every thread busy, few enough that results waiting for a slow file stay small.
FILES_AT_A_TIME = 64
NAMED_IN_ERROR = 10

Result = TypeVar("Result")


@dataclass
class _Pile:
    """Decoded images so far; grey until the first coloured one arrives."""

    pixels: NDArray[np.uint8]  # (n_files, channels, size, size), the first len(kept) rows filled
    kept: list[int]
    native_sizes: list[int]
    unreadable: list[str]


def load_folder(
    source: str,
    *,
    image_size: int | None,
    with_labels: bool,
    max_images: int | None,
    seed: int,
    max_unreadable_share: float,
    progress: Callable[[int, int], None] | None,
) -> ImageSet:
    """Read all images of a folder and its sub-folders, in the order of their relative paths.

    Args:
        source: path of the folder; hidden files and folders in it are ignored.
        image_size: side in pixels, or None for `automatic_size` of the median shorter side.
        with_labels: take the first-level sub-folder's name as the class; images beside the
            sub-folders are unlabelled (-1).
        max_images: read a random subset of so many files; None reads all.
        seed: chooses the subset.
        max_unreadable_share: how many files may be unreadable and left out, from 0 to 1.
        progress: called with (files done, files in all), in the calling thread.

    Returns:
        The images, with 1 channel when every one of them is grey, otherwise 3.

    Raises:
        DataError: no images, too many unreadable ones, no class folders although labels were asked
            for, or more than fits in memory.
    """
    folder = Path(source).expanduser()
    listing = list_folder(folder, with_labels=with_labels)
    chosen = choose_subset(len(listing.images), max_images, seed)
    paths = [folder / listing.images[index] for index in chosen]
    with pillow_ready(), ThreadPoolExecutor(os.cpu_count()) as pool:
        if image_size is None:
            image_size = _automatic_size(pool, paths)
        pile = _decode_all(pool, folder, paths, image_size, progress)
    _check_unreadable(pile.unreadable, len(paths), folder, max_unreadable_share)
    return ImageSet.from_tensors(
        torch.from_numpy(pile.pixels[: len(pile.kept)]),
        _labels(listing, [chosen[index] for index in pile.kept]) if with_labels else None,
        class_names=listing.class_names,
        source=source,
        native_size=median_low(pile.native_sizes),
        skipped=(*pile.unreadable, *listing.other_formats),
    )


def _automatic_size(pool: ThreadPoolExecutor, paths: list[Path]) -> int:
    sizes = [size for size in _in_order(pool, shorter_side, paths) if size is not None]
    # With no readable header any size will do: decoding reports the files one by one.
    return automatic_size(median_low(sizes) if sizes else 1)


def _decode_all(
    pool: ThreadPoolExecutor,
    folder: Path,
    paths: list[Path],
    image_size: int,
    progress: Callable[[int, int], None] | None,
) -> _Pile:
    check_memory(len(paths), 1, image_size)
    pixels = np.empty((len(paths), 1, image_size, image_size), dtype=np.uint8)
    pile = _Pile(pixels, kept=[], native_sizes=[], unreadable=[])

    def decode_one(path: Path) -> Decoded | Unreadable:
        return decode(path, image_size)

    # Closing cancels what has not begun, so that an error or Ctrl-C does not wait for it.
    with closing(_in_order(pool, decode_one, paths)) as results:
        for index, result in enumerate(results):
            if isinstance(result, Unreadable):
                name = paths[index].relative_to(folder).as_posix()
                pile.unreadable.append(f"{name}: {result.reason}")
            else:
                _add(pile, index, result)
            if progress is not None:
                progress(index + 1, len(paths))
    return pile


def _add(pile: _Pile, index: int, image: Decoded) -> None:
    n_kept = len(pile.kept)
    if len(image.pixels) > pile.pixels.shape[1]:
        # The first coloured image: only now is it known that the set needs three channels.
        n_files, _, size, _ = pile.pixels.shape
        check_memory(n_files, 3, size)
        coloured = np.empty((n_files, 3, size, size), dtype=np.uint8)
        coloured[:n_kept] = pile.pixels[:n_kept]
        pile.pixels = coloured
    pile.pixels[n_kept] = image.pixels  # a grey image fills all three channels
    pile.kept.append(index)
    pile.native_sizes.append(image.native_size)


def _in_order(
    pool: ThreadPoolExecutor, function: Callable[[Path], Result], paths: list[Path]
) -> Generator[Result, None, None]:
    for start in range(0, len(paths), FILES_AT_A_TIME):
        yield from pool.map(function, paths[start : start + FILES_AT_A_TIME])


def _check_unreadable(
    unreadable: list[str], n_files: int, folder: Path, max_unreadable_share: float
) -> None:
    share = len(unreadable) / n_files
    if share <= max_unreadable_share and len(unreadable) < n_files:
        return
    shown = "".join(f"\n  {line}" for line in unreadable[:NAMED_IN_ERROR])
    n_more = len(unreadable) - NAMED_IN_ERROR
    more = f"\n  and {n_more} more" if n_more > 0 else ""
    raise DataError(
        f"{len(unreadable)} of {n_files} image files in {folder} are unreadable ({share:.1%}); "
        f"at most {max_unreadable_share:.1%} may be, and one must be readable. "
        f"Repair or remove them:{shown}{more}"
    )


def _labels(listing: FolderListing, kept: list[int]) -> Tensor:
    position = {name: index for index, name in enumerate(listing.class_names)}
    labels = [
        position[path.parts[0]] if len(path.parts) > 1 else -1
        for path in (listing.images[index] for index in kept)
    ]
    return torch.tensor(labels, dtype=torch.int64)
