"""A folder whose images are not kept in memory: decoded once into the cache, or streamed."""

import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median_low

from hpo.data.building import SetWriter
from hpo.data.cache import ImageCache, key_of
from hpo.data.cache_entry import CachedSet, Contents
from hpo.data.decoding import Decoded, Unreadable, decode, pillow_ready
from hpo.data.file_index import FileFacts, stamp_of
from hpo.data.in_order import in_order, thread_pool
from hpo.data.loaded_folder import LoadedFolder
from hpo.data.sizing import automatic_size
from hpo.data.streamed import StreamedImages
from hpo.errors import DataError

Check = Callable[[list[tuple[int, str]]], None]
Progress = Callable[[int, int], None]
_GIB = 2**30
_NO_HEADER = "not a PNG, JPEG, WebP, TIFF or BMP picture"


def cached_or_streamed(
    cache: ImageCache,
    paths: list[Path],
    image_size: int | None,
    check: Check,
    progress: Progress | None,
) -> LoadedFolder:
    """Open the decoded images of files, decoding them now if that was never done.

    Files are recognised by the digest of their bytes, so a copy of the folder has the same entry.
    A set that would be larger than the whole cache is streamed.

    Args:
        cache: where they are kept.
        paths: of the files, in order.
        image_size: side in pixels, or None for `automatic_size` of the median shorter side.
        check: raises when too many files are unreadable.
        progress: called with (files done, files in all).

    Raises:
        DataError: a file changed while it was read, or from `check`.
        StorageError: the cache cannot be written.
    """
    facts = cache.look_up(paths, progress)
    sides = [fact.shorter_side for fact in facts if fact.shorter_side]
    if image_size is None:
        image_size = automatic_size(median_low(sizes) if (sizes := sides) else 1)
    # The header tells colour only from grey; whether colours are all equal, decoding would.
    channels = 3 if any(fact.may_be_coloured for fact in facts) else 1
    wanted_bytes = len(sides) * channels * image_size**2
    if wanted_bytes > cache.limit_bytes:
        loaded = _streamed(paths, facts, channels, image_size, check)
        cache.note(
            f"the {len(loaded.images)} images are streamed: decoded they are "
            f"{wanted_bytes / _GIB:.3g} GiB, more than --cache-gib {cache.limit_bytes / _GIB:.3g}. "
            "Every epoch decodes them again; a larger cache or a smaller --image-size is faster."
        )
        return loaded
    key = key_of(
        kind="files", image_size=image_size, files=[fact.sha256 or fact.reason for fact in facts]
    )
    build = partial(_decode_into, paths, facts, image_size, check, progress)

    def idle() -> None:
        if progress is not None:
            progress(0, len(paths))

    found = cache.find_or_build(key, image_size, wanted_bytes, build, idle)
    return _cached(found, paths, check)


def _cached(found: CachedSet, paths: list[Path], check: Check) -> LoadedFolder:
    unreadable = found.contents.unreadable
    check(list(unreadable))
    left_out = dict(unreadable)
    kept = [path for position, path in enumerate(paths) if position not in left_out]
    return LoadedFolder(
        found.images.with_files(kept),
        found.pixel_digest,
        found.contents.native_size,
        unreadable,
    )


def _streamed(
    paths: list[Path], facts: list[FileFacts], channels: int, image_size: int, check: Check
) -> LoadedFolder:
    unreadable = [
        (index, fact.reason or _NO_HEADER)
        for index, fact in enumerate(facts)
        if not fact.shorter_side
    ]
    check(unreadable)
    kept = [index for index, fact in enumerate(facts) if fact.shorter_side]
    files = [facts[index].sha256 for index in kept]
    return LoadedFolder(
        StreamedImages([paths[index] for index in kept], channels=channels, image_size=image_size),
        key_of(kind="streamed", image_size=image_size, channels=channels, files=files),
        median_low(facts[index].shorter_side for index in kept),
        tuple(unreadable),
    )


def _decode_into(
    paths: list[Path],
    facts: list[FileFacts],
    image_size: int,
    check: Check,
    progress: Progress | None,
    writer: SetWriter,
) -> Contents:
    """Append the images that the writer does not have yet."""
    one = partial(_decode_unchanged, image_size=image_size)
    rest = list(zip(paths, facts, strict=True))[writer.n_done :]
    with (
        pillow_ready(),
        thread_pool() as pool,
        closing(in_order(pool, one, rest)) as results,
    ):
        for result in results:
            if isinstance(result, Unreadable):
                writer.leave_out(result.reason)
            else:
                writer.add(result.pixels)
            if progress is not None:
                progress(writer.n_done, len(paths))
    if writer.n_kept == 0:
        check(writer.unreadable)
    left_out = dict(writer.unreadable)
    sides = [fact.shorter_side for i, fact in enumerate(facts) if i not in left_out]
    return Contents(median_low(sides), tuple(writer.unreadable))


def _decode_unchanged(file: tuple[Path, FileFacts], image_size: int) -> Decoded | Unreadable:
    path, fact = file
    if not fact.sha256:
        return Unreadable(fact.reason)
    found = decode(path, image_size)
    try:
        changed = stamp_of(path) != fact.stamp
    except OSError:
        changed = True
    if changed:
        raise DataError(
            f"{os.fspath(path)} was changed while it was being read. Run the same command again "
            "once the folder is complete."
        )
    return found
