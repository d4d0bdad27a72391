"""What can come between two steps: other processes, vanishing files, want of memory."""

import fcntl
import math
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
from PIL import Image

from hpo.data import ImageSet
from hpo.data.file_index import FileIndex
from hpo.data.mapped import MappedImages, hold, remove_unless_held
from hpo.errors import ConfigError, DataError, StorageError
from tests.hpo.data.helpers import load, noise, write_pictures


@pytest.fixture(autouse=True)
def _files_count_as_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpo.data.file_index.SETTLED_SECONDS", 0.0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "photos", 6)
    return tmp_path / "photos"


def cached(photos: Path, **changed: Any) -> ImageSet:
    return load(photos, **({"cache_dir": photos.parent / "cache", "cache_gib": 1.0} | changed))


def entry_of(data: ImageSet) -> Path:
    assert isinstance(data.images, MappedImages)
    return data.images.folder


def test_waiting_can_be_stopped_and_ends_when_the_other_is_done(photos: Path) -> None:
    folder = entry_of(cached(photos))
    other = filelock.FileLock(folder.with_name(f"{folder.name}.lock"))
    shutil.rmtree(folder)
    notes: list[str] = []
    calls: list[Any] = []

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    def release_at_the_third(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) == 3:
            other.release()

    with other:
        with pytest.raises(KeyboardInterrupt):
            cached(photos, progress=interrupt)
        data = cached(photos, progress=release_at_the_third, note=notes.append)
    assert calls == [0, 0, 0, 1, 2, 3, 4, 5, 6]
    assert notes == ["another process is caching the same images: waiting for it."]
    assert len(data) == 6


def test_waiting_needs_no_progress(photos: Path) -> None:
    folder = entry_of(cached(photos))
    other = filelock.FileLock(folder.with_name(f"{folder.name}.lock"))
    other.acquire()
    shutil.rmtree(folder)
    assert len(cached(photos, note=lambda text: other.release())) == 6


@pytest.mark.parametrize("replaced", [True, False])
def test_an_entry_removed_while_it_is_opened_is_made_again(
    photos: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    first = cached(photos)
    folder = entry_of(first)
    plain_flock = fcntl.flock

    def remove_then_lock(descriptor: int, operation: int) -> None:
        monkeypatch.setattr("hpo.data.mapped.fcntl.flock", plain_flock)
        if replaced:
            shutil.copytree(folder, folder.with_name("copy"))
        shutil.rmtree(folder)
        if replaced:
            folder.with_name("copy").rename(folder)
        plain_flock(descriptor, operation)

    monkeypatch.setattr("hpo.data.mapped.fcntl.flock", remove_then_lock)
    again = cached(photos)
    assert again.fingerprint == first.fingerprint
    assert not remove_unless_held(entry_of(again))


def test_an_entry_replaced_before_it_is_locked_is_not_held(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = entry_of(cached(photos))

    def replace(descriptor: int, operation: int) -> None:
        shutil.copytree(folder, folder.with_name("copy"))
        shutil.rmtree(folder)
        folder.with_name("copy").rename(folder)

    monkeypatch.setattr("hpo.data.mapped.fcntl.flock", replace)
    with pytest.raises(FileNotFoundError, match="removed while it was being opened"):
        hold(folder)


def test_an_entry_removed_as_soon_as_it_is_made_is_an_error(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.data.cache.open_entry", lambda folder: None)
    with pytest.raises(StorageError, match="was removed while it was being made"):
        cached(photos)


def test_an_entry_removed_by_another_process_makes_room_too(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_bytes = 6 * 3 * 16 * 16
    folder = entry_of(cached(photos))
    plain_exists = Path.exists

    def exists(path: Path) -> bool:
        if path == folder / "entry.json":
            monkeypatch.setattr(Path, "exists", plain_exists)
            shutil.rmtree(folder)
        return plain_exists(path)

    write_pictures(photos.parent / "others", 6, seed=1)
    monkeypatch.setattr(Path, "exists", exists)
    others = cached(photos.parent / "others", cache_gib=1.2 * n_bytes / 2**30)
    assert len(others) == 6
    assert not folder.exists()


def test_files_that_vanish_are_left_out_or_named(photos: Path) -> None:
    cached(photos)
    (photos / "003.png").unlink()
    (photos / "003.png").symlink_to("nowhere")
    assert cached(photos, max_unreadable_share=0.5).skipped == (
        "003.png: No such file or directory",
    )

    def remove(done: int, total: int) -> None:
        (photos / "005.png").unlink(missing_ok=True)

    with pytest.raises(DataError, match=r"005\.png was changed while it was being read"):
        cached(photos, progress=remove, image_size=8, max_unreadable_share=0.5)


def test_the_index_is_saved_on_the_way(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpo.data.file_index.SAVE_EVERY_FILES", 2)

    def interrupt(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(photos, progress=interrupt)
    calls: list[Any] = []
    cached(photos, progress=lambda *call: calls.append(call))
    assert calls[0] == (5, 6)


def test_an_index_that_is_locked_for_ever_is_an_error(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached(photos)
    monkeypatch.setattr("hpo.data.file_index._WAIT_SECONDS", 0.05)
    other = sqlite3.connect(photos.parent / "cache" / "files.sqlite")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match=r"files\.sqlite: database is locked.*--cache-dir"):
        cached(photos)
    other.close()
    assert len(cached(photos)) == 6


def test_files_of_any_name_are_remembered(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1)
    odd = (tmp_path / "000.png").rename(tmp_path / "\udcff ü.png")
    calls: list[Any] = []
    index = FileIndex(tmp_path / "files.sqlite")
    for _ in range(2):
        index.look_up([odd], lambda *call: calls.append(call))
    assert calls == [(1, 1)]


@pytest.mark.parametrize("cache_gib", [-1.0, math.inf, math.nan])
def test_impossible_limits_are_named(photos: Path, cache_gib: float) -> None:
    with pytest.raises(ConfigError, match=f"cache_gib: got {cache_gib}"):
        load(photos, cache_gib=cache_gib)


def test_pictures_of_cached_arrays_are_their_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.data.array_source.CACHED_FROM_BYTES", 0)
    np.savez(tmp_path / "set.npz", images=noise(4, 16, 16, 3))
    data = cached(tmp_path / "set.npz")
    expected = data.tensor()[2].permute(1, 2, 0).numpy()
    assert np.array_equal(np.asarray(data.images.picture(2)), expected)


def test_want_of_memory_is_not_an_unreadable_file(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load(photos)

    def no_memory(*arguments: Any, **options: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "open", no_memory)
    for read in (lambda: load(photos), lambda: load(photos, image_size=None)):
        with pytest.raises(MemoryError):
            read()
    with pytest.raises(MemoryError):
        data.images.picture(0)
