"""Large sets that come as arrays are cached as well."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision

from hpo.data import ImageSet
from hpo.data.mapped import MappedImages
from hpo.data.store import TensorStore
from hpo.errors import DataError
from tests.hpo.data.helpers import load, noise
from tests.hpo.data.test_torchvision_sets import accept_any_content, write_cifar, write_idx


@pytest.fixture(autouse=True)
def _small_sets_count_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpo.data.array_source.CACHED_FROM_BYTES", 1000)
    monkeypatch.setattr("hpo.data.file_index.SETTLED_SECONDS", 0.0)


def cached(source: Path | str, folder: Path, **changed: Any) -> ImageSet:
    return load(source, **({"cache_dir": folder / "cache", "cache_gib": 1.0} | changed))


def write(path: Path, n_images: int = 300, seed: int = 0) -> Path:
    labels = np.arange(n_images) % 3 - 1
    np.savez(path, images=noise(n_images, 20, 24, 3, seed=seed), labels=labels)
    return path


@pytest.mark.parametrize(
    "options",
    [{}, {"image_size": None}, {"with_labels": True}, {"max_images": 100, "with_labels": True}],
)
def test_the_same_set_as_without_a_cache(tmp_path: Path, options: dict[str, Any]) -> None:
    path = write(tmp_path / "set.npz")
    calls: list[Any] = []
    plain = load(path, **options)
    first = cached(path, tmp_path, progress=lambda *call: calls.append(call), **options)
    assert calls[-1] == (len(plain), len(plain))
    calls.clear()
    second = cached(path, tmp_path, progress=lambda *call: calls.append(call), **options)
    assert calls == []
    for data in (first, second):
        assert isinstance(data.images, MappedImages)
        assert torch.equal(data.tensor(), plain.tensor())
        assert data.fingerprint == plain.fingerprint
        assert (data.class_names, data.native_size) == (plain.class_names, 20)
        assert (data.labels is None) == (plain.labels is None)
        if data.labels is not None and plain.labels is not None:
            assert torch.equal(data.labels, plain.labels)


def test_the_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "set.npz")
    fingerprint = cached(path, tmp_path).fingerprint
    monkeypatch.setattr("hpo.data.array_source.read_npz", None)
    assert cached(path, tmp_path).fingerprint == fingerprint
    monkeypatch.undo()


def test_other_contents_options_and_labels_are_other_sets(tmp_path: Path) -> None:
    path = write(tmp_path / "set.npz")
    found = [
        cached(path, tmp_path, **options).fingerprint
        for options in ({}, {"image_size": 8}, {"max_images": 90}, {"max_images": 90, "seed": 1})
    ]
    found.append(cached(path, tmp_path, with_labels=True).fingerprint)
    write(path, seed=1)
    found.append(cached(path, tmp_path).fingerprint)
    assert len(set(found)) == 6
    n_entries = len(list((tmp_path / "cache" / "sets").glob("*/entry.json")))
    assert cached(path, tmp_path, seed=5).fingerprint == found[-1]  # no subset, so no draw
    assert len(list((tmp_path / "cache" / "sets").glob("*/entry.json"))) == n_entries == 6


def test_damaged_labels_are_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "set.npz")
    fingerprint = cached(path, tmp_path, with_labels=True).fingerprint
    (labels,) = (tmp_path / "cache" / "sets").glob("*/labels.npy")
    content = bytearray(labels.read_bytes())
    content[-8] ^= 1
    labels.write_bytes(content)
    notes: list[str] = []
    again = cached(path, tmp_path, with_labels=True, note=notes.append)
    assert again.fingerprint == fingerprint
    assert "labels are not those" in notes[0]


def test_small_and_too_large_sets_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "set.npz")
    assert isinstance(cached("digits", tmp_path).images, TensorStore)
    assert not (tmp_path / "cache").exists()
    assert isinstance(cached(path, tmp_path, cache_gib=1e-4).images, TensorStore)
    monkeypatch.setattr("hpo.data.array_source.CACHED_FROM_BYTES", 2**28)
    assert isinstance(cached(path, tmp_path).images, TensorStore)
    assert not any((tmp_path / "cache" / "sets").iterdir())


def test_sets_by_name_are_cached_under_their_files(tmp_path: Path) -> None:
    source = "torchvision:MNIST"
    options: dict[str, Any] = {"data_root": tmp_path, "cache_dir": tmp_path / "cache"}
    write_idx(tmp_path, noise(50, 28, 28), np.arange(50) % 10)
    for with_labels in (True, False):
        one = load(source, with_labels=with_labels, cache_gib=1.0, **options)
        two = load(source, with_labels=with_labels, data_root=tmp_path)
        assert isinstance(one.images, MappedImages)
        assert one.fingerprint == two.fingerprint
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    assert load(source, cache_gib=1.0, **options).fingerprint == two.fingerprint
    with pytest.raises(DataError, match="found no train-labels"):
        load(source, with_labels=True, cache_gib=1.0, **options)
    with pytest.raises(DataError, match="Unknown data set torchvision:MNISTS"):
        load("torchvision:MNISTS", cache_gib=1.0, **options)


def test_cifar_is_cached_under_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = torchvision.datasets.CIFAR100
    accept_any_content(monkeypatch, kind)
    fingerprints = []
    for place, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_cifar(tmp_path / place, kind, noise(10, 32, 32, 3, seed=seed), list(range(10)))
        options = {"data_root": tmp_path / place, "with_labels": True, "image_size": 32}
        data = cached("torchvision:CIFAR100", tmp_path, **options)
        assert isinstance(data.images, MappedImages)
        assert data.fingerprint == load("torchvision:CIFAR100", **options).fingerprint
        fingerprints.append(data.fingerprint)
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]
    assert len(list((tmp_path / "cache" / "sets").glob("*/entry.json"))) == 2
