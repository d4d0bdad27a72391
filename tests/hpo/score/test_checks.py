"""Files and arrays that are no embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from tests.hpo.score.files import refused, rows


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((3, 4), np.int64), ["int64 of shape (3, 4)", "Labels, ids or pixels"]),
        (np.zeros((3, 4), np.uint8), ["uint8 of shape (3, 4)", "Labels, ids or pixels"]),
        (np.zeros((3, 4), bool), ["bool of shape (3, 4)", "Labels, ids or pixels"]),
        (np.zeros((3, 4), complex), ["complex128 of shape (3, 4)", "as float32"]),
        (np.zeros((3, 4), "V2"), ["void16 of shape (3, 4)", "no bfloat16"]),
        (np.zeros(4, [("a", "f4")]), ["void32 of shape (4,)"]),
        (np.zeros(4, [("α", "f4")]), ["void32 of shape (4,)"]),
        (np.array([["a", "b"]]), ["str32 of shape (1, 2)"]),
        (np.zeros(4), ["float64 of shape (4,)", "stack the embeddings"]),
        (np.float64(1.0), ["float64 of shape ()", "stack the embeddings"]),
        (np.zeros((2, 3, 4, 4)), ["float64 of shape (2, 3, 4, 4)", "Pool feature maps"]),
        (np.zeros((0, 4)), ["float64 of shape (0, 4)", "empty"]),
        (np.zeros((4, 0)), ["float64 of shape (4, 0)", "empty"]),
        (np.zeros((5, 1, 4)), ["float64 of shape (5, 1, 4)", "array[:, 0]"]),
        (np.array([[1], [2, 3]], object), ["object of shape (2,)", "pickled Python objects"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else f"{value.dtype} {value.shape}",
)
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
def test_arrays_that_are_no_embeddings(
    tmp_path: Path, array: NDArray[Any], words: list[str]
) -> None:
    np.save(tmp_path / "z.npy", array)
    np.savez(tmp_path / "z.npz", array)
    for name in ("z.npy", "z.npz"):
        message = refused(tmp_path / name)
        for word in [*words, "wanted float16, bfloat16, float32 or float64 of shape"]:
            assert word in message


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.float8_e4m3fn, torch.uint8])
@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_tensors_that_are_no_embeddings(tmp_path: Path, dtype: torch.dtype, kind: str) -> None:
    path = tmp_path / f"z.{kind}"
    values = {"z": torch.zeros(3, 4).to(dtype)}
    if kind == "pt":
        torch.save(values, path)
    else:
        save_file(values, path)
    message = refused(path)
    assert str(dtype).removeprefix("torch.")[:9] in message.replace("f8_e4m3", "float8_e4")
    assert "of shape (3, 4), wanted float16" in message


def test_a_sparse_tensor(tmp_path: Path) -> None:
    torch.save(torch.eye(3).to_sparse(), tmp_path / "z.pt")
    message = refused(tmp_path / "z.pt")
    assert "got sparse float32 of shape (3, 3)" in message
    assert "dense" in message


def test_missing_directory_and_suffix(tmp_path: Path) -> None:
    assert "there is no such file" in refused(tmp_path / "z.npy")
    assert "got a directory" in refused(tmp_path)
    (tmp_path / "z.csv").write_text("1,2")
    assert "got a file named .csv" in refused(tmp_path / "z.csv")
    (tmp_path / "z").write_text("1,2")
    assert "without a suffix" in refused(tmp_path / "z")


def test_an_archive_named_npy(tmp_path: Path) -> None:
    np.savez(tmp_path / "z.npz", z=rows())
    (tmp_path / "z.npz").rename(tmp_path / "z.npy")
    assert "rename it to z.npz" in refused(tmp_path / "z.npy")
