"""What is known of files: digest and header, remembered so that each is read once."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hpo.data.decoding import pillow_ready, read_header
from hpo.data.in_order import in_order, thread_pool

# A file that changed a moment ago may change again within the file system's clock tick, and keep
# its size: it is read again the next time.
SETTLED_SECONDS = 2.0
# The index only saves time. One that has grown so large holds mostly files that are gone.
MAX_INDEX_BYTES = 512 * 2**20
SAVE_EVERY_FILES = 2000
_WAIT_SECONDS = 60.0
_TABLE = """CREATE TABLE IF NOT EXISTS files_1 (
    path BLOB PRIMARY KEY, bytes INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
    sha256 TEXT, shorter_side INTEGER, may_be_coloured INTEGER) WITHOUT ROWID"""

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class FileFacts:
    """What is known of one file.

    Args:
        stamp: its size in bytes, time of last writing and time of last change, both in ns.
        sha256: of its bytes, 64 hex digits; empty when it could not be read.
        shorter_side: in pixels, from a picture's header; 0 when that says nothing.
        may_be_coloured: whether the header speaks of three channels.
        reason: why it could not be read.
    """

    stamp: Stamp
    sha256: str
    shorter_side: int
    may_be_coloured: bool
    reason: str = ""


def stamp_of(path: Path) -> Stamp:
    """Return what changes when a file is written, renamed or replaced.

    The time of the last change (ctime) is part of it because a picture put in the place of another
    by `mv` or `cp -p` may have the same size and the same time of writing.
    """
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


class FileIndex:
    """The memory, in an SQLite file that several processes may use at once.

    Args:
        path: of the SQLite file; made when it is not there, and anew when it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def look_up(
        self, paths: Sequence[Path], progress: Callable[[int, int], None] | None = None
    ) -> list[FileFacts]:
        """Return what is known of these files; read those that are new or have changed.

        Args:
            paths: at least one, absolute.
            progress: called with (files done, files in all) if any has to be read.

        Raises:
            OSError: the index cannot be written.
        """
        try:
            return self._look_up(paths, progress)
        except sqlite3.OperationalError as error:
            raise OSError(f"{self.path}: {error}") from error
        except sqlite3.DatabaseError:
            self.path.unlink(missing_ok=True)
            return self._look_up(paths, progress)

    def _look_up(
        self, paths: Sequence[Path], progress: Callable[[int, int], None] | None
    ) -> list[FileFacts]:
        with self._open() as database:
            known = _known(database, paths)
            facts = [_still_true(path, known.get(os.fsencode(path))) for path in paths]
            new = [index for index, fact in enumerate(facts) if fact is None]
            if new and self.path.stat().st_size > MAX_INDEX_BYTES:
                with database:
                    database.execute("DELETE FROM files_1")
                database.execute("VACUUM")
            n_known = len(paths) - len(new)
            rows = []
            with pillow_ready(), thread_pool() as pool:
                found = in_order(pool, _read, [paths[index] for index in new])
                with closing(found):
                    for n_read, (index, fact) in enumerate(zip(new, found, strict=True), start=1):
                        facts[index] = fact
                        if _is_settled(fact):
                            rows.append(_row(paths[index], fact))
                        if len(rows) == SAVE_EVERY_FILES:
                            _save(database, rows)
                            rows = []
                        if progress is not None:
                            progress(n_known + n_read, len(paths))
            _save(database, rows)
        return [fact for fact in facts if fact is not None]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=_WAIT_SECONDS)) as database:
            database.execute(_TABLE)
            yield database


def _known(database: sqlite3.Connection, paths: Sequence[Path]) -> dict[bytes, FileFacts]:
    # One scan of the folder's part of the table, since asking for each file takes far longer.
    names = [os.fspath(path) for path in paths]
    first = os.fsencode(os.path.commonpath((min(names), max(names))))
    rows = database.execute(
        "SELECT * FROM files_1 WHERE path >= ? AND path < ?", (first, first + b"\xff")
    )
    return {
        path: FileFacts((n_bytes, mtime_ns, ctime_ns), sha256, side, bool(coloured))
        for path, n_bytes, mtime_ns, ctime_ns, sha256, side, coloured in rows
    }


def _still_true(path: Path, fact: FileFacts | None) -> FileFacts | None:
    if fact is None:
        return None
    try:
        return fact if stamp_of(path) == fact.stamp else None
    except OSError:
        return None


def _read(path: Path) -> FileFacts:
    try:
        stamp = stamp_of(path)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            header = read_header(file)
    except OSError as error:
        return FileFacts((0, 0, 0), "", 0, False, error.strerror or str(error))
    if header is None:
        return FileFacts(stamp, sha256, 0, False)
    return FileFacts(stamp, sha256, header.shorter_side, header.may_be_coloured)


def _is_settled(fact: FileFacts) -> bool:
    _, *times_ns = fact.stamp
    return bool(fact.sha256) and time.time_ns() - max(times_ns) > SETTLED_SECONDS * 1e9


def _row(path: Path, fact: FileFacts) -> tuple[object, ...]:
    return (
        os.fsencode(path), *fact.stamp, fact.sha256, fact.shorter_side, fact.may_be_coloured,
    )  # fmt: skip


def _save(database: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    if rows:
        with database:
            database.executemany(
                "INSERT OR REPLACE INTO files_1 VALUES (?, ?, ?, ?, ?, ?, ?)", rows
            )
