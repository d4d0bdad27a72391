"""MNIST's relatives, CIFAR and STL10, from small files in the original formats."""

import gzip
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision.datasets

from hpo.errors import DataError
from tests.hpo.data.helpers import load, noise

REAL_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(
        f">{values.ndim}I", *values.shape
    )
    return header + values.astype(np.uint8).tobytes()


def write_idx(folder: Path, images: np.ndarray, labels: Any, *, ending: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pack = gzip.compress if ending == ".gz" else bytes
    (folder / f"train-images-idx3-ubyte{ending}").write_bytes(pack(idx(images)))
    (folder / f"train-labels-idx1-ubyte{ending}").write_bytes(pack(idx(np.asarray(labels))))


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("name", ["MNIST", "KMNIST", "FashionMNIST"])
@pytest.mark.parametrize("place", [".", "{name}/raw", "{name}", "raw"])
def test_idx_files_in_every_place(tmp_path: Path, place: str, name: str, ending: str) -> None:
    images = noise(4, 16, 16)
    write_idx(tmp_path / place.format(name=name), images, [3, 1, 0, 9], ending=ending)
    data = load(f"torchvision:{name}", data_root=tmp_path, with_labels=True)
    assert np.array_equal(data.tensor()[:, 0].numpy(), images)
    assert data.labels is not None
    assert data.labels.tolist() == [3, 1, 0, 9]
    assert len(data.class_names) == 10
    assert data.source == f"torchvision:{name}"


def test_the_other_spelling_of_the_file_names(tmp_path: Path) -> None:
    write_idx(tmp_path, noise(4, 16, 16), [3, 1, 0, 9])
    for path in list(tmp_path.iterdir()):
        path.rename(tmp_path / path.name.replace("-idx", ".idx"))
    assert len(load("torchvision:MNIST", data_root=tmp_path, with_labels=True)) == 4


def test_a_sets_own_folder_comes_before_the_root(tmp_path: Path) -> None:
    write_idx(tmp_path, noise(4, 16, 16), [0] * 4)
    write_idx(tmp_path / "KMNIST" / "raw", noise(5, 16, 16), [0] * 5)
    assert len(load("torchvision:KMNIST", data_root=tmp_path)) == 5
    assert len(load("torchvision:MNIST", data_root=tmp_path)) == 4


def test_the_default_root_is_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_idx(Path("data"), noise(4, 16, 16), [0] * 4)
    assert len(load("torchvision:MNIST")) == 4


def test_labels_that_are_not_asked_for_need_no_file(tmp_path: Path) -> None:
    write_idx(tmp_path, noise(4, 16, 16), [0] * 4)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    assert load("torchvision:MNIST", data_root=tmp_path).labels is None
    with pytest.raises(DataError, match="found no train-labels-idx1-ubyte"):
        load("torchvision:MNIST", data_root=tmp_path, with_labels=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(noise(4, 16, 16))[:-1], "got 1023 values, wanted 1024"),
        (idx(noise(4, 16, 16)) + b"x", "got 1025 values, wanted 1024"),
        (idx(np.arange(4)), "got magic number 00000801, wanted 00000803"),
        (b"", "got magic number nothing"),
        (idx(noise(4, 16, 16))[:10], "got 10 bytes, wanted an idx header of 16"),
    ],
)
def test_damaged_idx_files(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load("torchvision:MNIST", data_root=tmp_path)


@pytest.mark.parametrize("cut", [5, 100])
def test_damaged_gzip(tmp_path: Path, cut: int) -> None:
    content = gzip.compress(idx(noise(4, 16, 16)))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content[:cut])
    with pytest.raises(DataError, match=r"ubyte\.gz cannot be read"):
        load("torchvision:MNIST", data_root=tmp_path)


@pytest.mark.parametrize("labels", [[0, 1, 2], [0, 1, 2, 10]])
def test_labels_that_do_not_fit_the_images(tmp_path: Path, labels: list[int]) -> None:
    write_idx(tmp_path, noise(4, 16, 16), labels)
    with pytest.raises(DataError, match="wanted 4 labels below 10"):
        load("torchvision:MNIST", data_root=tmp_path, with_labels=True)


def test_missing_files_say_what_where_and_how(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load("torchvision:FashionMNIST", data_root=tmp_path)
    message = str(caught.value)
    assert "train-images-idx3-ubyte[.gz]" in message
    assert str(tmp_path / "FashionMNIST" / "raw") in message
    assert "--data-root" in message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("FashionMnist", "torchvision:FashionMNIST"),
        ("cifar-10", "torchvision:CIFAR10"),
        ("ImageNet21k", "Known names: MNIST, KMNIST"),
        ("", "Known names"),
    ],
)
def test_unknown_names(name: str, hint: str) -> None:
    with pytest.raises(DataError, match=f"Unknown data set torchvision:{name}.*{hint}"):
        load(f"torchvision:{name}")


@pytest.mark.skipif(not REAL_FASHION_MNIST.is_dir(), reason="Fashion-MNIST is not on this machine")
def test_the_real_fashion_mnist() -> None:
    data = load(
        "torchvision:FashionMNIST",
        data_root=REAL_FASHION_MNIST,
        with_labels=True,
        image_size=28,
    )
    assert data.images.shape == (60000, 1, 28, 28)
    assert data.labels is not None
    assert data.labels.bincount().tolist() == [6000] * 10
    assert data.class_names[int(data.labels[0])] == "Ankle boot"
    # The mean that every tutorial normalises by.
    assert float(data.tensor().float().mean()) / 255 == pytest.approx(0.2860, abs=1e-4)


def old_pickle(entry: dict[str, Any]) -> bytes:
    """As numpy 1 pickled the CIFAR files: dtype flags are 0 and 1; numpy 2.4.0 to 2.4.4 warn."""
    content = pickle.dumps(entry, protocol=2)
    flags = b"\x89\x88\x87"  # (…, False, True)
    assert flags in content
    return content.replace(flags, b"K\x00K\x01\x87")


def write_cifar(root: Path, kind: Any, images: np.ndarray, labels: list[int]) -> None:
    folder = root / kind.base_folder
    folder.mkdir(parents=True)
    key = "fine_labels" if kind.base_folder == "cifar-100-python" else "labels"
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    names = [name for name, _ in kind.train_list]
    parts = np.array_split(np.arange(len(images)), len(names))
    for name, part in zip(names, parts, strict=True):
        entry = {"data": rows[part], key: [labels[index] for index in part]}
        (folder / name).write_bytes(old_pickle(entry))
    for name, _ in kind.test_list:
        (folder / name).write_bytes(old_pickle({"data": rows[:1], key: labels[:1]}))
    classes = [f"class {number}" for number in range(max(labels) + 1)]
    (folder / kind.meta["filename"]).write_bytes(pickle.dumps({kind.meta["key"]: classes}))


def accept_any_content(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """Small files cannot have the checksums of the originals."""
    for files in ("train_list", "test_list"):
        monkeypatch.setattr(kind, files, [[name, None] for name, _ in getattr(kind, files)])
    if hasattr(kind, "meta"):
        monkeypatch.setattr(kind, "meta", kind.meta | {"md5": None})


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
@pytest.mark.parametrize("place", [".", "{name}"])
def test_cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str) -> None:
    kind = getattr(torchvision.datasets, name)
    accept_any_content(monkeypatch, kind)
    images = noise(10, 32, 32, 3)
    write_cifar(tmp_path / place.format(name=name), kind, images, list(range(10)))
    data = load(f"torchvision:{name}", data_root=tmp_path, with_labels=True, image_size=None)
    assert np.array_equal(data.tensor().numpy(), images.transpose(0, 3, 1, 2))
    assert data.labels is not None
    assert data.labels.tolist() == list(range(10))
    assert data.class_names[3] == "class 3"


def test_the_cifar_folder_itself_is_a_root_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = torchvision.datasets.CIFAR10
    accept_any_content(monkeypatch, kind)
    write_cifar(tmp_path, kind, noise(10, 32, 32, 3), [0] * 10)
    data = load("torchvision:CIFAR10", data_root=tmp_path / "cifar-10-batches-py")
    assert len(data) == 10
    assert data.labels is None


def test_cifar_with_other_content_than_the_original(tmp_path: Path) -> None:
    write_cifar(tmp_path, torchvision.datasets.CIFAR10, noise(10, 32, 32, 3), [0] * 10)
    with pytest.raises(DataError, match=r"damaged.*Unpack cifar-10-python\.tar\.gz again"):
        load("torchvision:CIFAR10", data_root=tmp_path)


@pytest.mark.parametrize(
    ("name", "files"),
    [("CIFAR10", "data_batch_1"), ("CIFAR100", "train, test, meta"), ("STL10", "train_X.bin")],
)
def test_missing_archives_name_their_files(tmp_path: Path, name: str, files: str) -> None:
    with pytest.raises(DataError, match=f"found no {files}.*{tmp_path}.*--data-root"):
        load(f"torchvision:{name}", data_root=tmp_path)


@pytest.mark.parametrize("named", [True, False], ids=["class names", "no class names"])
def test_stl10_has_unlabelled_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    accept_any_content(monkeypatch, torchvision.datasets.STL10)
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    labelled, unlabelled = noise(3, 96, 96, 3, seed=1), noise(2, 96, 96, 3, seed=2)
    for name, images in (("train", labelled), ("unlabeled", unlabelled), ("test", labelled)):
        # Colour by colour, each one column after column.
        (folder / f"{name}_X.bin").write_bytes(images.transpose(0, 3, 2, 1).tobytes())
    for name in ("train", "test"):
        (folder / f"{name}_y.bin").write_bytes(bytes([2, 10, 1]))
    if named:
        (folder / "class_names.txt").write_text("\n".join(f"class {n}" for n in range(10)))
    data = load("torchvision:STL10", data_root=tmp_path, with_labels=True, image_size=96)
    assert np.array_equal(data.tensor()[:3].numpy(), labelled.transpose(0, 3, 1, 2))
    assert np.array_equal(data.tensor()[3:].numpy(), unlabelled.transpose(0, 3, 1, 2))
    assert data.labels is not None
    if named:
        assert data.labels.tolist() == [1, 9, 0, -1, -1]
        assert data.class_names[9] == "class 9"
    else:
        assert data.labels.tolist() == [1, 2, 0, -1, -1]
        assert data.class_names == ("0", "1", "9")
    assert load("torchvision:STL10", data_root=tmp_path, image_size=None).image_size == 64
