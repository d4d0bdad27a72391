"""The image cache: what hits, what misses, what is noticed."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from hpo.data import ImageSet
from hpo.data.cache import default_folder
from hpo.data.mapped import MappedImages
from hpo.errors import DataError, StorageError
from tests.hpo.data.helpers import LEFT, RIGHT, halves, load, write_pictures, write_truncated


@pytest.fixture(autouse=True)
def _files_count_as_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpo.data.file_index.SETTLED_SECONDS", 0.0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "photos", 20)
    return tmp_path / "photos"


def cached(source: Path, calls: list[Any] | None = None, **changed: Any) -> ImageSet:
    """Load through the cache beside the folder; `calls` gets what was still to do."""
    seen = [] if calls is None else calls
    folder = source.parent / "cache"
    arguments: dict[str, Any] = {"cache_dir": folder, "cache_gib": 1.0}
    return load(source, progress=lambda *call: seen.append(call), **(arguments | changed))


def sets(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "sets").iterdir() if path.is_dir())


@pytest.mark.parametrize("size", [None, 8])
def test_the_same_images_as_without_a_cache(photos: Path, size: int | None) -> None:
    write_truncated(photos / "005.png")
    first, second = (cached(photos, image_size=size, max_unreadable_share=0.1) for _ in range(2))
    plain = load(photos, image_size=size, max_unreadable_share=0.1)
    for data in (first, second):
        assert isinstance(data.images, MappedImages)
        assert torch.equal(data.tensor(), plain.tensor())
        assert data.fingerprint == plain.fingerprint
        assert (data.native_size, data.skipped) == (plain.native_size, plain.skipped)
    assert len(plain.skipped) == 1


def test_labels_and_their_fingerprint_are_those_without_a_cache(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos" / "cat", 3)
    write_pictures(tmp_path / "photos" / "dog", 3, seed=1)
    unlabelled = cached(tmp_path / "photos")
    one, two = (
        cached(tmp_path / "photos", with_labels=True),
        load(tmp_path / "photos", with_labels=True),
    )
    assert one.labels is not None
    assert one.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert one.class_names == two.class_names == ("cat", "dog")
    assert one.fingerprint == two.fingerprint != unlabelled.fingerprint
    assert len(sets(tmp_path / "cache")) == 1


def test_the_second_time_nothing_is_read_or_decoded(photos: Path) -> None:
    calls: list[Any] = []
    cached(photos, calls)
    assert calls == [(n, 20) for n in range(1, 21)] * 2  # recognised, then decoded
    calls.clear()
    cached(photos, calls)
    assert calls == []


def test_a_file_that_changed_a_moment_ago_is_read_again(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.data.file_index.SETTLED_SECONDS", 60.0)
    calls: list[Any] = []
    cached(photos)
    cached(photos, calls)
    assert calls == [(n, 20) for n in range(1, 21)]


def test_a_copy_elsewhere_with_other_names_is_the_same_set(photos: Path) -> None:
    data = cached(photos)
    copy = photos.parent / "copy"
    copy.mkdir()
    for path in photos.iterdir():
        shutil.copy(path, copy / f"x{path.name}")
    calls: list[Any] = []
    assert cached(copy, calls).fingerprint == data.fingerprint
    assert calls == [(n, 20) for n in range(1, 21)]  # recognised, not decoded
    assert len(sets(photos.parent / "cache")) == 1


def test_a_changed_picture_is_decoded_anew(photos: Path) -> None:
    before = cached(photos)
    status = (photos / "003.png").stat()
    shutil.copy(photos / "004.png", photos / "003.png")
    os.utime(photos / "003.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    after = cached(photos)
    assert after.fingerprint != before.fingerprint
    assert torch.equal(after.tensor()[3], before.tensor()[4])
    assert not torch.equal(before.tensor()[3], after.tensor()[3]), "an open set changed"


def test_pictures_that_changed_places_are_noticed_whatever_their_times_say(photos: Path) -> None:
    for path in photos.iterdir():
        with Image.open(path) as image:
            image.save(path.with_suffix(".bmp"))  # all of one size in bytes
        path.unlink()
    for path in photos.iterdir():
        os.utime(path, (1e9, 1e9))
    before = cached(photos).tensor()
    (photos / "000.bmp").rename(photos / "x")
    (photos / "001.bmp").rename(photos / "000.bmp")
    (photos / "x").rename(photos / "001.bmp")
    assert torch.equal(cached(photos).tensor()[:2], before[[1, 0]])


@pytest.mark.parametrize("changed", [{"image_size": 8}, {"max_images": 9}])
def test_other_settings_are_another_set(photos: Path, changed: dict[str, int]) -> None:
    cached(photos)
    assert torch.equal(cached(photos, **changed).tensor(), load(photos, **changed).tensor())
    assert len(sets(photos.parent / "cache")) == 2


@pytest.mark.parametrize("n_grey", [0, 3, 6])
def test_a_set_is_grey_only_if_every_picture_is(tmp_path: Path, n_grey: int) -> None:
    for index in range(6):
        image = halves(20 * index, 9, "L") if index < n_grey else halves(LEFT, RIGHT)
        image.convert("RGB").save(tmp_path / f"{index}.png")
    calls: list[Any] = []
    folder = tmp_path.parent / f"{tmp_path.name}-cache"
    data = cached(tmp_path, calls, cache_dir=folder)
    assert data.channels == (1 if n_grey == 6 else 3)
    assert torch.equal(data.tensor(), load(tmp_path).tensor())
    assert sorted(path.name for path in sets(folder)[0].iterdir()) == ["entry.json", "pixels.u8"]


@pytest.mark.parametrize("damage", ["cut", "head", "middle", "tail", "description", "no pixels"])
def test_a_damaged_set_is_noticed_and_made_again(photos: Path, damage: str) -> None:
    fingerprint = cached(photos).fingerprint
    (folder,) = sets(photos.parent / "cache")
    pixels = folder / "pixels.u8"
    content = bytearray(pixels.read_bytes())
    if damage == "cut":
        pixels.write_bytes(content[:-1])
    elif damage == "description":
        (folder / "entry.json").write_text("{")
    elif damage == "no pixels":
        pixels.unlink()
    else:
        content[{"head": 0, "middle": len(content) // 2, "tail": -1}[damage]] ^= 1
        pixels.write_bytes(content)
    notes: list[str] = []
    again = cached(photos, note=notes.append)
    assert again.fingerprint == fingerprint
    assert torch.equal(again.tensor(), load(photos).tensor())
    assert len(notes) == 1
    assert "damaged" in notes[0]
    assert ("should be 15360" in notes[0]) == (damage == "cut")
    notes.clear()
    cached(photos, note=notes.append)
    assert notes == []


def test_unreadable_files_are_counted_each_time(photos: Path) -> None:
    write_truncated(photos / "005.png")
    (photos / "gone.png").symlink_to("nowhere.png")
    for _ in range(2):
        with pytest.raises(DataError, match=r"2 of 21 image files.*\n  005.png: .*\n  gone.png: "):
            cached(photos, max_unreadable_share=0.05)
    calls: list[Any] = []
    data = cached(photos, calls, max_unreadable_share=0.1)
    assert calls == [(21, 21)]  # the missing file was looked for again
    assert data.skipped[1] == "gone.png: No such file or directory"
    assert len(data) == 19


def test_only_unreadable_files_leave_nothing_behind(tmp_path: Path) -> None:
    write_truncated(tmp_path / "a.png")
    with pytest.raises(DataError, match="1 of 1 image files"):
        cached(tmp_path, cache_dir=tmp_path / ".cache", max_unreadable_share=1.0)
    assert sets(tmp_path / ".cache") == []


def test_a_file_that_changes_while_it_is_read_is_an_error(photos: Path) -> None:
    def touch(done: int, total: int) -> None:
        os.utime(photos / "019.png")

    with pytest.raises(DataError, match=r"019.png was changed while it was being read"):
        load(photos, progress=touch, cache_dir=photos.parent / "cache", cache_gib=1.0)
    assert sets(photos.parent / "cache") == []


def test_the_folder_is_the_users_cache_folder_unless_said(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(photos.parent / "xdg"))
    cached(photos, cache_dir=None)
    assert len(sets(photos.parent / "xdg" / "goldilocks-hpo")) == 1
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_folder() == Path.home() / ".cache" / "goldilocks-hpo"


def test_a_folder_that_cannot_be_made_names_the_option(photos: Path) -> None:
    (photos.parent / "cache").write_text("a file")
    with pytest.raises(StorageError, match=r"--cache-dir.*--cache-gib 0"):
        cached(photos)


def test_a_damaged_index_is_made_anew(photos: Path) -> None:
    cached(photos)
    (photos.parent / "cache" / "files.sqlite").write_bytes(b"no database at all" * 100)
    calls: list[Any] = []
    cached(photos, calls)
    assert calls == [(n, 20) for n in range(1, 21)]
    calls.clear()
    cached(photos, calls)
    assert calls == []


def test_the_index_stays_small(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached(photos)
    monkeypatch.setattr("hpo.data.file_index.MAX_INDEX_BYTES", 0)
    write_pictures(photos.parent / "others", 1, seed=3)
    cached(photos.parent / "others")
    calls: list[Any] = []
    cached(photos, calls)
    assert len(calls) == 20  # forgotten, so recognised again


def test_a_description_is_plain_data(photos: Path) -> None:
    cached(photos)
    (folder,) = sets(photos.parent / "cache")
    description = json.loads((folder / "entry.json").read_text())
    assert description["shape"] == [20, 3, 16, 16]
