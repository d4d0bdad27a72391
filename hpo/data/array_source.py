"""Sets that come as arrays: digits, an `.npz` file, or one that torchvision knows by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from hpo.data.arrays import ArrayImages, read_npz
from hpo.data.building import SetWriter
from hpo.data.cache import ImageCache, key_of
from hpo.data.cache_entry import CachedSet, Contents
from hpo.data.digits import AUTOMATIC_SIZE, read_digits
from hpo.data.image_set import ImageSet
from hpo.data.resizing import PROGRESS_EVERY, resize_all, square_of
from hpo.data.sizing import automatic_size, check_memory, choose_subset
from hpo.data.torchvision_sets import PREFIX, files_of, read_torchvision
from hpo.errors import DataError

DIGITS = "digits"
# Smaller ones are read from their file faster than they are looked up; and a few hundred MB in
# every worker do no harm.
CACHED_FROM_BYTES = 256 * 2**20

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ArraySource:
    """Where arrays are, and which of their images are wanted at which size.

    Args:
        source: `digits`, `torchvision:NAME` or the path of an `.npz` file.
        data_root: where the files of `torchvision:NAME` are; None looks in `./data`.
        image_size: side in pixels; None for 16 for `digits` and otherwise `automatic_size`.
        with_labels: whether to read labels.
        max_images: keep a random subset of at most so many; None keeps all.
        seed: chooses the subset.
    """

    source: str
    data_root: Path | None
    image_size: int | None
    with_labels: bool
    max_images: int | None
    seed: int

    def load(self, cache: ImageCache | None, progress: Progress | None) -> ImageSet:
        """Read the images, from the cache if they are there.

        Args:
            cache: where large sets are kept; None keeps all in memory.
            progress: called with (images done, images in all) every few hundred images.

        Raises:
            DataError: the data are missing, damaged, of the wrong kind or too large for memory.
            StorageError: the cache cannot be written.
        """
        key = "" if cache is None or self.source == DIGITS else self._key(cache)
        found = cache.find(key) if cache is not None and key else None
        if found is not None:
            return self._from_cache(found)
        arrays = self._read()
        kept = choose_subset(len(arrays.images), self.max_images, self.seed)
        if arrays.labels is not None and len(arrays.class_names) < 2:
            raise DataError(
                f"Labels were asked for, but {self.source} has {len(arrays.class_names)} classes; "
                "wanted at least 2. Leave the labels out, or give labelled data."
            )
        size = self._size(arrays)
        n_bytes = len(kept) * arrays.images.shape[-1] * size**2
        if cache is None or not key or not CACHED_FROM_BYTES < n_bytes <= cache.limit_bytes:
            return self._in_memory(arrays, kept, size, progress)
        build = partial(_write, arrays, kept, size, progress)
        return self._from_cache(cache.find_or_build(key, size, n_bytes, build))

    def _key(self, cache: ImageCache) -> str:
        facts = cache.look_up(list(self._files()), None)
        return key_of(
            kind="arrays",
            # Which of its files are which is in the name.
            name=self.source if self.source.startswith(PREFIX) else "npz",
            files=[fact.sha256 for fact in facts],
            image_size=self.image_size,
            with_labels=self.with_labels,
            max_images=self.max_images,
            seed=None if self.max_images is None else self.seed,
        )

    def _files(self) -> tuple[Path, ...]:
        if self.source.startswith(PREFIX):
            name = self.source.removeprefix(PREFIX)
            return files_of(name, data_root=self.data_root, with_labels=self.with_labels)
        return (Path(self.source).expanduser(),)

    def _read(self) -> ArrayImages:
        if self.source == DIGITS:
            return read_digits(with_labels=self.with_labels)
        if self.source.startswith(PREFIX):
            name = self.source.removeprefix(PREFIX)
            return read_torchvision(name, data_root=self.data_root, with_labels=self.with_labels)
        return read_npz(Path(self.source).expanduser(), with_labels=self.with_labels)

    def _size(self, arrays: ArrayImages) -> int:
        if self.image_size is not None:
            return self.image_size
        return AUTOMATIC_SIZE if self.source == DIGITS else automatic_size(_native_size(arrays))

    def _in_memory(
        self, arrays: ArrayImages, kept: list[int], size: int, progress: Progress | None
    ) -> ImageSet:
        n_images, _, _, channels = arrays.images.shape
        check_memory(len(kept), channels, size)
        # Without a subset, do not copy: STL10 alone is 3 GiB.
        images = arrays.images if len(kept) == n_images else arrays.images[kept]
        return ImageSet.from_tensors(
            resize_all(images, size, progress),
            None if arrays.labels is None else torch.from_numpy(arrays.labels[kept]),
            class_names=arrays.class_names,
            source=self.source,
            native_size=_native_size(arrays),
        )

    def _from_cache(self, found: CachedSet) -> ImageSet:
        return ImageSet.of(
            found.images,
            found.contents.labels,
            pixel_digest=found.pixel_digest,
            class_names=found.contents.class_names,
            source=self.source,
            native_size=found.contents.native_size,
            skipped=(),
        )


def _native_size(arrays: ArrayImages) -> int:
    return int(min(arrays.images.shape[1:3]))


def _write(
    arrays: ArrayImages, kept: list[int], size: int, progress: Progress | None, writer: SetWriter
) -> Contents:
    """Append the images that the writer does not have yet."""
    for index in kept[writer.n_done :]:
        writer.add(square_of(arrays.images[index], size))
        if progress is not None and writer.n_done % PROGRESS_EVERY == 0:
            progress(writer.n_done, len(kept))
    if progress is not None:
        progress(len(kept), len(kept))
    return Contents(
        _native_size(arrays),
        class_names=arrays.class_names,
        labels=None if arrays.labels is None else torch.from_numpy(arrays.labels[kept]),
    )
