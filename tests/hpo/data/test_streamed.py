"""Sets too large to keep: decoded whenever they are read."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from hpo.data import ImageSet
from hpo.data.streamed import StreamedImages
from hpo.errors import DataError
from tests.hpo.data.helpers import LEFT, RIGHT, halves, load, write_pictures, write_truncated

TINY_GIB = 1e-9


def streamed(source: Path, **changed: Any) -> ImageSet:
    options: dict[str, Any] = {"cache_dir": source.parent / "cache", "cache_gib": TINY_GIB}
    data = load(source, **(options | changed))
    assert isinstance(data.images, StreamedImages)
    return data


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "photos", 100, size=24)
    return tmp_path / "photos"


def test_the_same_images_as_in_memory_in_any_order(photos: Path) -> None:
    data, plain = streamed(photos), load(photos)
    assert data.images.shape == plain.images.shape == (100, 3, 16, 16)
    positions = torch.randperm(100).repeat(2)
    assert torch.equal(data.images.read(positions), plain.images.read(positions))
    assert data.images.read(positions[:0]).shape == (0, 3, 16, 16)
    assert (data.native_size, data.skipped) == (24, ())


def test_a_set_that_just_fits_is_cached_and_one_byte_more_is_streamed(photos: Path) -> None:
    n_bytes = 100 * 3 * 16 * 16
    notes: list[str] = []
    options = {"cache_dir": photos.parent / "cache", "note": notes.append}
    assert not load(photos, cache_gib=n_bytes / 2**30, **options).images.is_streamed
    assert notes == []
    assert load(photos, cache_gib=(n_bytes - 1) / 2**30, **options).images.is_streamed
    assert len(notes) == 1
    assert "100 images are streamed" in notes[0]
    assert "--cache-gib" in notes[0]


def test_the_fingerprint_is_that_of_the_files(photos: Path) -> None:
    before = streamed(photos).fingerprint
    assert streamed(photos).fingerprint == before
    assert streamed(photos, image_size=8).fingerprint != before
    halves(LEFT, RIGHT).save(photos / "050.png")
    assert streamed(photos).fingerprint != before


def test_grey_files_make_a_grey_set(tmp_path: Path) -> None:
    for index in range(3):
        halves(20 * index, 200, "L").save(tmp_path / f"{index}.png")
    options = {"cache_dir": tmp_path / ".cache"}
    data = streamed(tmp_path, **options)
    assert torch.equal(data.tensor(), load(tmp_path).tensor())
    assert data.channels == 1
    halves(LEFT, RIGHT).save(tmp_path / "1.png")
    with pytest.raises(DataError, match=r"1\.png cannot be read: it is coloured"):
        data.tensor()
    halves(LEFT, LEFT).save(tmp_path / "3.png")
    assert streamed(tmp_path, **options).channels == 3


def test_labels_come_from_the_folders(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos" / "cat", 2)
    write_pictures(tmp_path / "photos" / "dog", 3)
    (tmp_path / "photos" / "cat" / "001.png").write_bytes(b"no picture")
    data = streamed(tmp_path / "photos", with_labels=True, max_unreadable_share=0.5)
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1, 1, 1]
    assert data.skipped == ("cat/001.png: not a PNG, JPEG, WebP, TIFF or BMP picture",)
    with pytest.raises(DataError, match="1 of 5 image files"):
        streamed(tmp_path / "photos", max_unreadable_share=0.1)


def test_a_picture_that_fails_only_when_it_is_read_is_named(photos: Path) -> None:
    write_truncated(photos / "042.png")
    data = streamed(photos)
    assert len(data) == 100
    assert data.images.read(torch.tensor([41, 43])).shape[0] == 2
    with pytest.raises(DataError, match=r"042\.png cannot be read: .*none is put in its place"):
        data.images.read(torch.arange(100))
    assert data.images.read(torch.tensor([41]))[0].any(), "the threads outlive an error"


def test_it_goes_to_other_processes(photos: Path) -> None:
    data = streamed(photos)
    first = data.images.read(torch.tensor([7]))
    assert torch.equal(pickle.loads(pickle.dumps(data.images)).read(torch.tensor([7])), first)
    child = os.fork()
    if child == 0:  # threads do not survive a fork; the set makes new ones
        os._exit(0 if torch.equal(data.images.read(torch.tensor([7])), first) else 1)
    assert os.waitpid(child, 0)[1] == 0
