"""Room in the image cache: what goes, what stays, and what is refused."""

import os
import time
from pathlib import Path

import filelock
import pytest

from hpo.data import ImageSet
from hpo.errors import StorageError
from tests.hpo.data.helpers import load, write_pictures

GIB = 2**30
N_BYTES = 10 * 3 * 16 * 16  # of one set below
# Room for two sets and a half, descriptions included.
LIMIT_GIB = 2.5 * N_BYTES / GIB


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Four folders of ten different pictures, three of them fit into the cache together."""
    for index in range(4):
        write_pictures(tmp_path / str(index), 10, seed=index)
    return [tmp_path / str(index) for index in range(4)]


def cached(folder: Path, limit_gib: float = LIMIT_GIB) -> ImageSet:
    return load(folder, cache_dir=folder.parent / "cache", cache_gib=limit_gib)


def entries(folder: Path) -> list[Path]:
    sets = folder.parent / "cache" / "sets"
    return [path for path in sets.iterdir() if path.is_dir()]


def entry_of(folder: Path) -> Path:
    """The entry of a folder, which has to be there, as it was before it was looked for."""
    before = {path: (path / "entry.json").stat() for path in entries(folder)}
    data = cached(folder)
    path = Path(data.images.folder)  # type: ignore[attr-defined]
    assert path in before, "it was made just now"
    os.utime(path / "entry.json", ns=(before[path].st_atime_ns, before[path].st_mtime_ns))
    return path


def used_at(folder: Path, seconds_ago: float) -> Path:
    """Say when the entry was last used."""
    path = entry_of(folder)
    then = time.time() - seconds_ago
    for file in path.iterdir():
        os.utime(file, (then, then))
    return path


def test_what_was_not_used_for_longest_goes_first(folders: list[Path]) -> None:
    for index in (0, 1):
        cached(folders[index])
    old, older = used_at(folders[0], 100), used_at(folders[1], 200)
    cached(folders[2])
    assert old.exists()
    assert not older.exists()
    assert len(entries(folders[0])) == 2


def test_opening_a_set_is_using_it(folders: list[Path]) -> None:
    for index in (0, 1):
        cached(folders[index])
    newer, opened = used_at(folders[0], 100), used_at(folders[1], 200)
    cached(folders[1])
    cached(folders[2])
    assert opened.exists()
    assert not newer.exists()


def test_a_set_in_use_is_never_removed(folders: list[Path]) -> None:
    used = cached(folders[0])
    cached(folders[1])
    path, unused = used_at(folders[0], 200), used_at(folders[1], 100)
    cached(folders[2])
    assert path.exists()
    assert not unused.exists()
    assert used.fingerprint == load(folders[0]).fingerprint
    del used
    cached(folders[3])
    assert not path.exists()


def test_when_all_others_are_in_use_there_is_no_room(folders: list[Path]) -> None:
    used = [cached(folders[0]), cached(folders[1])]
    with pytest.raises(StorageError) as caught:
        cached(folders[2])
    for option in ("--cache-gib", "--cache-dir", "--image-size", "--max-images"):
        assert option in str(caught.value)
    assert "other studies are using" in str(caught.value)
    assert len(entries(folders[0])) == 2
    assert [len(data) for data in used] == [10, 10]


def test_nothing_goes_while_there_is_room(folders: list[Path]) -> None:
    for folder in folders:
        cached(folder, limit_gib=1.0)
    assert len(entries(folders[0])) == 4


def test_unfinished_sets_make_room_unless_somebody_makes_them(folders: list[Path]) -> None:
    sets = folders[0].parent / "cache" / "sets"
    for name in ("abandoned", "busy"):
        (sets / f"{name}.part").mkdir(parents=True)
        (sets / f"{name}.part" / "pixels-1.u8").write_bytes(bytes(N_BYTES))
    os.utime(sets / "busy.part" / "pixels-1.u8", (1, 1))  # the first to go otherwise
    with filelock.FileLock(sets / "busy.lock"):
        cached(folders[0])
        cached(folders[1], limit_gib=3.5 * N_BYTES / GIB)
        assert not (sets / "abandoned.part").exists()
        assert (sets / "busy.part").exists()


def test_what_was_being_removed_is_removed(folders: list[Path]) -> None:
    sets = folders[0].parent / "cache" / "sets"
    (sets / "abc-123.removed").mkdir(parents=True)
    cached(folders[0])
    assert not (sets / "abc-123.removed").exists()
