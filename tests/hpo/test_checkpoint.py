"""A checkpoint is whole or the one of before, and reading it runs nothing."""

import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from hpo.checkpoint import load_checkpoint, save_checkpoint
from hpo.errors import StorageError

STATE: dict[str, Any] = {
    "epoch": 2,
    "weights": {"a": torch.arange(5000.0), "b": torch.tensor(7)},
    "values": {"rankme": 3.5, "lidar": float("nan")},
}
ADVICE = "Delete the file to train this trial from its beginning"


@contextmanager
def full_disk(n_bytes: int) -> Iterator[None]:
    """No file can grow beyond so many bytes, as on a disk with that much space left."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "trial.pt"
    save_checkpoint(path, STATE)
    found = load_checkpoint(path)
    assert found["epoch"] == 2
    assert torch.equal(found["weights"]["a"], STATE["weights"]["a"])
    assert found["values"]["rankme"] == 3.5
    assert [entry.name for entry in path.parent.iterdir()] == ["trial.pt"]


def test_a_new_checkpoint_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "trial.pt"
    save_checkpoint(path, STATE)
    save_checkpoint(path, {**STATE, "epoch": 6})
    assert load_checkpoint(path)["epoch"] == 6


@pytest.mark.parametrize("n_bytes", [0, 500, 15_000])
def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / "trial.pt"
    save_checkpoint(path, STATE)
    before = path.read_bytes()
    with full_disk(n_bytes), pytest.raises(StorageError, match="Free disk space") as found:
        save_checkpoint(path, {**STATE, "epoch": 6})
    assert str(path) in str(found.value)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["trial.pt"]


def test_a_full_disk_leaves_no_first_checkpoint(tmp_path: Path) -> None:
    with full_disk(15_000), pytest.raises(StorageError):
        save_checkpoint(tmp_path / "trial.pt", STATE)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_folders_place_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("not a folder")
    with pytest.raises(StorageError, match="could not be written"):
        save_checkpoint(tmp_path / "checkpoints" / "trial.pt", STATE)


class Malice:
    """A pickle that would make a file when read without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path: Path) -> None:
    path, touched = tmp_path / "trial.pt", tmp_path / "touched"
    torch.save({"epoch": 1, "malice": Malice(touched)}, path)
    with pytest.raises(StorageError, match=ADVICE) as found:
        load_checkpoint(path)
    assert not touched.exists()
    # torch's own message advises to load it without care.
    assert "weights_only" not in str(found.value)
    torch.load(path, weights_only=False)
    assert touched.exists()


def test_a_missing_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        load_checkpoint(tmp_path / "trial.pt")


def test_damaged_checkpoints_are_storage_errors(tmp_path: Path) -> None:
    path = tmp_path / "trial.pt"
    save_checkpoint(path, STATE)
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(0, len(whole), 701)]
    damaged += [b"hello", b"PK\x03\x04", pickle.dumps([1, 2]), bytes(500)]
    draws = random.Random(0)
    damaged += [draws.randbytes(draws.randrange(1, 300)) for _ in range(100)]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(StorageError, match=ADVICE):
            load_checkpoint(path)


def test_a_wrong_byte_is_never_another_error(tmp_path: Path) -> None:
    path = tmp_path / "trial.pt"
    save_checkpoint(path, {**STATE, "weights": torch.zeros(2)})
    whole = path.read_bytes()
    draws = random.Random(0)
    refused = 0
    for _ in range(300):
        content = bytearray(whole)
        content[draws.randrange(len(content))] ^= draws.randrange(1, 256)
        path.write_bytes(content)
        try:
            load_checkpoint(path)
        except StorageError:
            refused += 1
    assert refused > 50
