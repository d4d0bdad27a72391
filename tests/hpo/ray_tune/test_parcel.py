"""The untrained network on its way: what was sent arrives, or nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.errors import StorageError
from hpo.ray_tune.checkpoint_store import FILE, CheckpointStore
from hpo.ray_tune.parcel import receive, send

CONTENT = bytes(range(256)) * 1000


@pytest.mark.parametrize("scheme", ["", "file://", "local://"])
def test_what_is_sent_arrives(scheme: str, tmp_path: Path) -> None:
    store = CheckpointStore(f"{scheme}{tmp_path}/shared")
    assert receive(send(store, f"{store.url}/run/untrained", CONTENT)) == CONTENT


def test_what_somebody_else_wrote_there_is_refused(tmp_path: Path) -> None:
    store = CheckpointStore(str(tmp_path))
    parcel = send(store, f"{store.url}/untrained", CONTENT)
    (tmp_path / "untrained" / FILE).write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(StorageError, match="is not the one that was sent"):
        receive(parcel)


def test_what_cannot_be_written_or_read_says_so(tmp_path: Path) -> None:
    store = CheckpointStore(str(tmp_path))
    parcel = send(store, f"{store.url}/untrained", CONTENT)
    (tmp_path / "untrained" / FILE).unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        receive(parcel)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        send(store, f"{store.url}/file", CONTENT)
