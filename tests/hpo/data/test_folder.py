"""Folders of images: what is found, what is skipped, what is refused."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpo.errors import DataError
from tests.hpo.data.helpers import LEFT, RIGHT, halves, load, write_pictures, write_truncated


def write_grey(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (16, 16), value).save(path)


def values(source: Path, **changed: object) -> list[int]:
    """The grey value of each image, which tells which file it was."""
    return load(source, **changed).tensor()[:, 0, 0, 0].tolist()


def test_order_is_that_of_the_relative_paths(tmp_path: Path) -> None:
    for name, value in (("b/1.png", 3), ("a.png", 1), ("b.png", 2), ("b/sub/0.png", 4)):
        write_grey(tmp_path / name, value)
    assert values(tmp_path) == [1, 2, 3, 4]


def test_hidden_and_other_files_are_ignored(tmp_path: Path) -> None:
    write_grey(tmp_path / "a.png", 1)
    write_grey(tmp_path / ".hidden.png", 2)
    write_grey(tmp_path / ".cache" / "c.png", 3)
    (tmp_path / "notes.txt").write_text("no picture")
    data = load(tmp_path)
    assert len(data) == 1
    assert data.skipped == ()
    assert data.source == str(tmp_path)


def test_a_hidden_folder_above_does_not_hide_the_images(tmp_path: Path) -> None:
    write_grey(tmp_path / ".cache" / "photos" / "a.png", 1)
    assert values(tmp_path / ".cache" / "photos") == [1]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    write_grey(tmp_path / "elsewhere" / "a.png", 1)
    write_grey(tmp_path / "photos" / "b.png", 2)
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "loop").symlink_to(tmp_path / "photos")
    assert values(tmp_path / "photos") == [2, 1]


def test_pictures_of_other_formats_are_reported(tmp_path: Path) -> None:
    write_grey(tmp_path / "a.png", 1)
    (tmp_path / "b.HEIC").write_bytes(b"photo")
    assert load(tmp_path).skipped == ("b.HEIC: .heic pictures are not read",)


def test_more_files_than_are_read_at_a_time_stay_in_order(tmp_path: Path) -> None:
    for index in range(300):
        write_grey(tmp_path / f"{index:03}.bmp", index % 251)
    assert values(tmp_path, image_size=4) == [index % 251 for index in range(300)]


@pytest.mark.parametrize("with_labels", [True, False])
def test_class_folders(tmp_path: Path, with_labels: bool) -> None:
    for name, value in (("dog/1.png", 2), ("cat/deep/er/1.png", 1), ("cat/0.png", 0)):
        write_grey(tmp_path / name, value)
    write_grey(tmp_path / "unsorted.png", 9)
    data = load(tmp_path, with_labels=with_labels)
    assert data.tensor()[:, 0, 0, 0].tolist() == [0, 1, 2, 9]
    if with_labels:
        assert data.labels is not None
        assert data.labels.tolist() == [0, 0, 1, -1]
        assert data.class_names == ("cat", "dog")
    else:
        assert data.labels is None
        assert data.class_names == ()


def test_labels_stay_with_their_images_when_one_is_skipped(tmp_path: Path) -> None:
    for name, value in (("cat/1.png", 1), ("dog/1.png", 2), ("emu/1.png", 3)):
        write_grey(tmp_path / name, value)
    write_truncated(tmp_path / "cat" / "0.png")
    data = load(tmp_path, with_labels=True, max_unreadable_share=0.3)
    assert data.labels is not None
    assert list(zip(data.tensor()[:, 0, 0, 0].tolist(), data.labels.tolist(), strict=True)) == [
        (1, 0),
        (2, 1),
        (3, 2),
    ]
    assert data.skipped[0].startswith("cat/0.png: ")


@pytest.mark.parametrize(("name", "found"), [("a.png", "none"), ("all/a.png", "only one, all/")])
def test_labels_of_a_flat_folder_are_refused(tmp_path: Path, name: str, found: str) -> None:
    write_grey(tmp_path / name, 1)
    with pytest.raises(DataError, match=r"cat/1\.jpg.*found " + found):
        load(tmp_path, with_labels=True)


def test_unreadable_files_within_the_share_are_skipped(tmp_path: Path) -> None:
    write_pictures(tmp_path, 99)
    write_truncated(tmp_path / "x.png")
    data = load(tmp_path)
    assert len(data) == 99
    assert [line.split(":")[0] for line in data.skipped] == ["x.png"]


def test_unreadable_files_above_the_share_are_an_error(tmp_path: Path) -> None:
    write_pictures(tmp_path, 3)
    for index in range(12):
        (tmp_path / f"x{index:02}.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    message = str(caught.value)
    assert "12 of 15 image files" in message
    assert "80.0%" in message
    assert "x09.jpg: not a PNG" in message
    assert "x10.jpg" not in message
    assert "and 2 more" in message


@pytest.mark.parametrize("image_size", [None, 16])
def test_only_unreadable_files_are_an_error_whatever_the_share(
    tmp_path: Path, image_size: int | None
) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match="1 of 1 image files"):
        load(tmp_path, image_size=image_size, max_unreadable_share=1.0)


def test_a_broken_link_is_an_unreadable_file(tmp_path: Path) -> None:
    write_grey(tmp_path / "a.png", 1)
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    data = load(tmp_path, max_unreadable_share=0.5)
    assert data.skipped == ("b.png: No such file or directory",)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("readme.txt", r"found 1 x \.txt; images are files ending in .*\.webp"),
        ("Makefile", "found 1 x no suffix"),
        ("set.npz", r"--data .*set\.npz"),
        ("set.npy", r"numpy\.savez"),
        ("fashion/train-images-idx3-ubyte.gz", "torchvision:FashionMNIST --data-root .*fashion"),
        ("kmnist/train-images-idx3-ubyte", "torchvision:KMNIST --data-root .*kmnist"),
        ("raw/t10k-labels.idx1-ubyte", "torchvision:MNIST --data-root .*raw"),
        ("cifar-10-batches-py/data_batch_1", "torchvision:CIFAR10 --data-root"),
        ("cifar-100-python/train", "torchvision:CIFAR100 --data-root"),
        ("stl10_binary/train_X.bin", "torchvision:STL10 --data-root"),
    ],
)
def test_a_folder_of_the_wrong_kind_says_what_would_read_it(
    tmp_path: Path, name: str, advice: str
) -> None:
    path = tmp_path / "photos" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=advice):
        load(tmp_path / "photos")


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        load(tmp_path)


def test_progress_counts_files_in_the_calling_thread(tmp_path: Path) -> None:
    write_pictures(tmp_path, 5)
    calls: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        calls.append((done, total))

    load(tmp_path, progress=progress)
    assert calls == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_a_subset_is_chosen_before_decoding(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 20)
    calls: list[tuple[int, int]] = []
    subset = load(tmp_path / "photos", max_images=10, progress=lambda *call: calls.append(call))
    assert calls[-1] == (10, 10)
    everything = load(tmp_path / "photos").tensor()
    rows = [int((everything == image).flatten(1).all(1).nonzero()) for image in subset.tensor()]
    assert rows == sorted(set(rows))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((28,), 32), ((32,), 32), ((40,), 40), ((41,), 64), ((8, 20, 200), 24), ((500, 30, 600), 64)],
)
def test_automatic_size_is_the_median_shorter_side(
    tmp_path: Path, sizes: tuple[int, ...], expected: int
) -> None:
    for index, size in enumerate(sizes):
        halves(LEFT, RIGHT, width=size + 7, height=size).save(tmp_path / f"{index}.png")
    data = load(tmp_path, image_size=None)
    assert data.image_size == expected
    assert data.native_size == sorted(sizes)[len(sizes) // 2]


def test_a_folder_and_an_array_of_the_same_pixels_are_the_same_data(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 3, size=30)
    pixels = [np.asarray(Image.open(tmp_path / "photos" / f"00{i}.png")) for i in range(3)]
    np.savez(tmp_path / "photos.npz", images=np.stack(pixels))
    folder, array = load(tmp_path / "photos"), load(tmp_path / "photos.npz")
    assert folder.fingerprint == array.fingerprint


def test_where_the_folder_lies_does_not_matter(tmp_path: Path) -> None:
    write_pictures(tmp_path / "here", 3)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert load(tmp_path / "here").fingerprint == load(tmp_path / "there").fingerprint
