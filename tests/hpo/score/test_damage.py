"""Pickles are never run, and whatever damage there is ends in one kind of error."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hpo.errors import DataError
from hpo.score.reading import EmbeddingsFile, read_embeddings
from tests.hpo.score.files import named, refused, rows


class Trap:
    """Would leave a file behind if it were unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("trapped"),)


def test_no_pickle_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"z": Trap()}, "z.pt")
    np.save("z.npy", np.array([Trap()], object))
    np.savez("z.npz", np.array([Trap()], object))
    message = refused(Path("z.pt"))
    assert "asks for " in message
    assert "would run code" in message
    assert "torch.save(torch.as_tensor(embeddings), new_path)" in message
    refused(Path("z.npy"))
    refused(Path("z.npz"))
    assert not Path("trapped").exists()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_plain_pickle_named_pt(
    tmp_path: Path, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "z.pt").write_bytes(pickle.dumps(Trap(), protocol))
    message = refused(tmp_path / "z.pt")
    assert "write it again" in message
    assert "weights_only` set to `False`" not in message  # torch's advice, to run the code
    assert not Path("trapped").exists()


def test_a_numpy_array_in_a_pt_file(tmp_path: Path) -> None:
    torch.save(rows(), tmp_path / "z.pt")
    assert "_reconstruct" in refused(tmp_path / "z.pt")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([torch.zeros(3), torch.ones(3)], ["got a list", "torch.stack"]),
        ({"state_dict": {"w": torch.zeros(3)}, "epoch": 2}, ["'state_dict' dict", "'epoch' int"]),
        ({}, ["(empty)"]),
    ],
)
def test_pt_without_embeddings(tmp_path: Path, content: Any, words: list[str]) -> None:
    torch.save(content, tmp_path / "z.pt")
    message = refused(tmp_path / "z.pt")
    for word in words:
        assert word in message


def whole(folder: Path, kind: str) -> Path:
    path = folder / f"z.{kind}"
    if kind == "npy":
        np.save(path, rows(40, 30))
        return path
    if kind == "old.pt":
        torch.save(torch.zeros(40, 30), path, _use_new_zipfile_serialization=False)
        return path
    return named(folder, kind, z=rows(40, 30)).rename(path)


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "pt", "old.pt"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.5, 0.9, 0.999])
def test_truncated_files(tmp_path: Path, kind: str, share: float) -> None:
    path = whole(tmp_path, kind)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "write it again" in refused(path)


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "pt", "old.pt"])
def test_other_content(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"z.{kind}"
    path.write_bytes(b"hello, this is some text and no array" * 20)
    assert "cannot be read" in refused(path)


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "pt", "old.pt"])
def test_flipped_bytes_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    """A damaged file never ends in another error than ours."""
    path = whole(tmp_path, kind)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(60):
        damaged = content.copy()
        places = rng.integers(0, min(len(content), 1200), 4)
        damaged[places] = rng.integers(0, 256, 4)
        path.write_bytes(damaged.tobytes())
        try:
            outcomes.add(type(read_embeddings(path)))
        except DataError as error:
            outcomes.add(type(error))
    assert DataError in outcomes
    assert outcomes <= {DataError, EmbeddingsFile}
