"""A folder of images, flat or with one sub-folder a class, read in threads."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median_low

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpo.data.cache import ImageCache
from hpo.data.decoding import Decoded, Unreadable, decode, pillow_ready, read_header
from hpo.data.folder_on_disk import cached_or_streamed
from hpo.data.image_set import ImageSet, fingerprint_of
from hpo.data.in_order import in_order, thread_pool
from hpo.data.listing import FolderListing, list_folder
from hpo.data.loaded_folder import LoadedFolder
from hpo.data.sizing import automatic_size, check_memory, choose_subset
from hpo.data.store import TensorStore
from hpo.errors import DataError

NAMED_IN_ERROR = 10


@dataclass
class _Pile:
    """Decoded images so far; grey until the first coloured one arrives."""

    pixels: NDArray[np.uint8]  # (n_files, channels, size, size), the first len(kept) rows filled
    kept: list[int]
    native_sizes: list[int]
    unreadable: list[tuple[int, str]]


def load_folder(
    source: str,
    *,
    image_size: int | None,
    with_labels: bool,
    max_images: int | None,
    seed: int,
    max_unreadable_share: float,
    cache: ImageCache | None,
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
        cache: where decoded images are kept; None keeps them in memory.
        progress: called with (files done, files in all), in the calling thread; with a cache once
            for recognising the files and once for decoding them, each if there is anything to do.

    Returns:
        The images, with 1 channel when every one of them is grey, otherwise 3.

    Raises:
        DataError: no images, too many unreadable ones, no class folders although labels were asked
            for, or more than fits in memory.
        StorageError: the cache cannot be written.
    """
    folder = Path(source).expanduser()
    listing = list_folder(folder, with_labels=with_labels)
    chosen = choose_subset(len(listing.images), max_images, seed)
    paths = [folder / listing.images[index] for index in chosen]
    check = partial(_check_unreadable, paths, folder, max_unreadable_share)
    if cache is None:
        loaded = _in_memory(paths, image_size, check, progress)
    else:
        loaded = cached_or_streamed(cache, paths, image_size, check, progress)
    unreadable = dict(loaded.unreadable)
    kept = [index for position, index in enumerate(chosen) if position not in unreadable]
    names = [listing.images[chosen[position]].as_posix() for position in unreadable]
    lines = [f"{name}: {why}" for name, why in zip(names, unreadable.values(), strict=True)]
    return ImageSet.of(
        loaded.images,
        _labels(listing, kept) if with_labels else None,
        pixel_digest=loaded.pixel_digest,
        class_names=listing.class_names,
        source=source,
        native_size=loaded.native_size,
        skipped=(*lines, *listing.other_formats),
    )


def _in_memory(
    paths: list[Path],
    image_size: int | None,
    check: Callable[[list[tuple[int, str]]], None],
    progress: Callable[[int, int], None] | None,
) -> LoadedFolder:
    if image_size is None:
        image_size = _automatic_size(paths)
    pile = _decode_all(paths, image_size, progress)
    check(pile.unreadable)
    pixels = torch.from_numpy(pile.pixels[: len(pile.kept)])
    return LoadedFolder(
        TensorStore(pixels, [paths[index] for index in pile.kept]),
        fingerprint_of(pixels, None),
        median_low(pile.native_sizes),
        tuple(pile.unreadable),
    )


def _automatic_size(paths: list[Path]) -> int:
    with pillow_ready(), thread_pool() as pool:
        headers = list(in_order(pool, read_header, paths))
    sizes = [header.shorter_side for header in headers if header is not None]
    # With no readable header any size will do: decoding reports the files one by one.
    return automatic_size(median_low(sizes) if sizes else 1)


def _decode_all(
    paths: list[Path], image_size: int, progress: Callable[[int, int], None] | None
) -> _Pile:
    check_memory(len(paths), 1, image_size)
    pixels = np.empty((len(paths), 1, image_size, image_size), dtype=np.uint8)
    pile = _Pile(pixels, kept=[], native_sizes=[], unreadable=[])
    one = partial(decode, image_size=image_size)
    with (
        pillow_ready(),
        thread_pool() as pool,
        closing(in_order(pool, one, paths)) as results,
    ):
        for index, result in enumerate(results):
            if isinstance(result, Unreadable):
                pile.unreadable.append((index, result.reason))
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


def _check_unreadable(
    paths: list[Path],
    folder: Path,
    max_unreadable_share: float,
    unreadable: list[tuple[int, str]],
) -> None:
    share = len(unreadable) / len(paths)
    if share <= max_unreadable_share and len(unreadable) < len(paths):
        return
    shown = "".join(
        f"\n  {paths[index].relative_to(folder).as_posix()}: {reason}"
        for index, reason in unreadable[:NAMED_IN_ERROR]
    )
    n_more = len(unreadable) - NAMED_IN_ERROR
    more = f"\n  and {n_more} more" if n_more > 0 else ""
    raise DataError(
        f"{len(unreadable)} of {len(paths)} image files in {folder} are unreadable ({share:.1%}); "
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
