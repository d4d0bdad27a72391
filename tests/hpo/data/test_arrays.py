"""Images in .npz files."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.errors import DataError
from tests.hpo.data.helpers import load, noise


def write(path: Path, **arrays: Any) -> Path:
    np.savez(path / "set.npz", **arrays)
    return path / "set.npz"


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 1), (16, 16, 3)])
def test_pixels_arrive_unchanged(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = noise(4, *shape)
    data = load(write(tmp_path, images=images))
    expected = images.reshape(4, 16, 16, -1).transpose(0, 3, 1, 2)
    assert np.array_equal(data.tensor().numpy(), expected)
    assert data.labels is None
    assert data.native_size == 16
    assert data.skipped == ()


@pytest.mark.parametrize("shape", [(20, 30), (30, 20, 1), (24, 24, 3)])
def test_other_sizes_are_made_square(tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = load(write(tmp_path, images=noise(3, *shape)), image_size=None)
    assert data.images.shape == (3, shape[2] if len(shape) == 3 else 1, 24, 24)
    assert data.native_size == min(shape[:2])


def test_suffix_is_case_insensitive(tmp_path: Path) -> None:
    path = write(tmp_path, images=noise(2, 8, 8)).rename(tmp_path / "SET.NPZ")
    assert len(load(path)) == 2


@pytest.mark.parametrize(
    ("labels", "expected", "names"),
    [
        (np.array([1, 0, 1]), [1, 0, 1], ("0", "1")),
        (np.array([30, -1, 10], dtype=np.int32), [1, -1, 0], ("10", "30")),
        (np.array([7, 9, 7], dtype=np.uint8), [0, 1, 0], ("7", "9")),
        (np.array(["dog", "cat", "dog"]), [1, 0, 1], ("cat", "dog")),
    ],
)
def test_labels_are_numbered_in_order(
    tmp_path: Path, labels: np.ndarray, expected: list[int], names: tuple[str, ...]
) -> None:
    path = write(tmp_path, images=noise(3, 8, 8), labels=labels)
    data = load(path, with_labels=True)
    assert data.labels is not None
    assert data.labels.tolist() == expected
    assert data.class_names == names
    assert load(path).labels is None


def test_labels_that_are_not_asked_for_are_not_even_read(tmp_path: Path) -> None:
    path = write(tmp_path, images=noise(3, 8, 8), labels=np.array([{}, {}, {}], dtype=object))
    assert load(path).class_names == ()
    with pytest.raises(DataError, match=r"cannot be read.*allow_pickle"):
        load(path, with_labels=True)


def test_a_subset_keeps_labels_with_their_images(tmp_path: Path) -> None:
    images = np.repeat(np.arange(40, dtype=np.uint8), 64).reshape(40, 8, 8)
    data = load(
        write(tmp_path, images=images, labels=np.arange(40)), with_labels=True, max_images=9
    )
    assert data.labels is not None
    assert data.tensor()[:, 0, 0, 0].tolist() == data.labels.tolist()
    assert len(data.class_names) == 40


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.random.default_rng(0).random((2, 8, 8)), r"float64.*\(images \* 255\)"),
        (np.full((2, 8, 8), 200.0), r"Scale the values to 0\.\.255, then \.round"),
        (np.zeros((2, 8, 8), dtype=np.int64), r"int64.*astype\('uint8'\)"),
        (np.zeros((8, 8), dtype=np.uint8), r"shape \(8, 8\), wanted.*one array with all images"),
        (np.zeros((2, 8, 8, 4), dtype=np.uint8), "Four channels look like RGBA"),
        (np.zeros((2, 8, 8, 2), dtype=np.uint8), r"shape \(2, 8, 8, 2\)"),
        (np.zeros((2, 3, 8, 8), dtype=np.uint8), r"images\.transpose\(0, 2, 3, 1\)"),
        (np.zeros((0, 8, 8), dtype=np.uint8), "none of them 0"),
        (np.zeros((2, 0, 8), dtype=np.uint8), "none of them 0"),
    ],
)
def test_images_of_the_wrong_kind(tmp_path: Path, images: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(write(tmp_path, images=images))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0.0, 1.0, 0.0]), "got labels as float64"),
        (np.array([0, 1]), r"shape \(2,\), wanted .* shape \(3,\)"),
        (np.array([[0], [1], [0]]), r"shape \(3, 1\)"),
        (np.array([0, -2, 1]), "smallest is -2"),
        (np.array([4, 4, -1]), "has 1 classes"),
        (np.array([-1, -1, -1]), "has 0 classes"),
    ],
)
def test_labels_of_the_wrong_kind(tmp_path: Path, labels: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(write(tmp_path, images=noise(3, 8, 8), labels=labels), with_labels=True)


def test_missing_arrays_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no array 'images': found x, y"):
        load(write(tmp_path, x=noise(2, 8, 8), y=np.arange(2)))
    with pytest.raises(DataError, match="no array 'labels': found images"):
        load(write(tmp_path, images=noise(2, 8, 8)), with_labels=True)


def test_what_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"not an \.npz archive"):
        load(path)
    with path.open("wb") as file:
        np.save(file, noise(2, 8, 8))
    with pytest.raises(DataError, match=r"not an \.npz archive"):
        load(path)


def test_a_damaged_archive(tmp_path: Path) -> None:
    path = write(tmp_path, images=noise(2, 8, 8))
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("images.npy").header_offset
    content = bytearray(path.read_bytes())
    content[start + 200] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="cannot be read"):
        load(path)
