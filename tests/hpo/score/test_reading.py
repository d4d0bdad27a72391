"""What a file of each kind gives."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hpo.score.reading import read_embeddings
from tests.hpo.score.files import FORMATS, named, rows, same


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_in_either_order_and_every_precision(tmp_path: Path, dtype: str, order: Any) -> None:
    array = np.array(rows(), dtype=dtype, order=order)
    np.save(tmp_path / "z.npy", array)
    found = read_embeddings(tmp_path / "z.npy")
    assert same(found.embeddings, array)
    assert str(found.embeddings.dtype) == f"torch.{dtype}"
    assert (found.views, found.first_views) == (None, False)
    assert found.source == str(found.path) == str(tmp_path / "z.npy")


def test_npy_of_the_other_byte_order(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", rows().astype(">f8"))
    assert same(read_embeddings(tmp_path / "z.npy").embeddings, rows().astype(np.float64))


def test_npy_of_a_newer_format_version(tmp_path: Path) -> None:
    with (tmp_path / "z.npy").open("wb") as stream:
        np.lib.format.write_array(stream, rows(), version=(2, 0))
    assert same(read_embeddings(tmp_path / "z.npy").embeddings, rows())


def test_writing_to_what_was_read_leaves_the_file_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", rows())
    read_embeddings(tmp_path / "z.npy").embeddings.zero_()
    assert same(read_embeddings(tmp_path / "z.npy").embeddings, rows())


def test_a_capital_suffix(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", rows())
    (tmp_path / "z.npy").rename(tmp_path / "Z.NPY")
    assert same(read_embeddings(tmp_path / "Z.NPY").embeddings, rows())


def test_bfloat16_stays_bfloat16(tmp_path: Path) -> None:
    values = torch.from_numpy(rows()).to(torch.bfloat16)
    save_file({"z": values}, tmp_path / "z.safetensors")
    torch.save(values, tmp_path / "z.pt")
    for name in ("z.safetensors", "z.pt"):
        found = read_embeddings(tmp_path / name).embeddings
        assert found.dtype == torch.bfloat16
        assert torch.equal(found, values)


def test_values_that_are_not_finite_are_read_as_they_are(tmp_path: Path) -> None:
    array = rows()
    array[1, 2], array[3, 0] = np.nan, np.inf
    np.save(tmp_path / "z.npy", array)
    assert np.array_equal(read_embeddings(tmp_path / "z.npy").embeddings, array, equal_nan=True)


@pytest.mark.parametrize("kind", FORMATS)
def test_an_only_array_is_taken_whatever_its_name(tmp_path: Path, kind: str) -> None:
    path = named(tmp_path, kind, odd=rows())
    found = read_embeddings(path)
    assert same(found.embeddings, rows())
    assert found.source == f"{path}['odd']"


def test_compressed_npz(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "z.npz", z=rows())
    assert same(read_embeddings(tmp_path / "z.npz").embeddings, rows())


def test_npz_with_other_things_beside(tmp_path: Path) -> None:
    path = named(tmp_path, "npz", odd=rows())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.txt", "no array")
    assert same(read_embeddings(path).embeddings, rows())


def test_pt_of_a_tensor_that_wants_gradients(tmp_path: Path) -> None:
    torch.save(torch.from_numpy(rows()).requires_grad_(), tmp_path / "z.pt")
    found = read_embeddings(tmp_path / "z.pt").embeddings
    assert not found.requires_grad
    assert same(found, rows())


def test_pt_of_the_old_format_with_other_things_beside(tmp_path: Path) -> None:
    content = {"epoch": 3, "features": torch.from_numpy(rows()), "paths": ["a", "b"]}
    torch.save(content, tmp_path / "z.pt", _use_new_zipfile_serialization=False)
    assert same(read_embeddings(tmp_path / "z.pt").embeddings, rows())
