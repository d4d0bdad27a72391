"""Checkpoints where every node of a cluster can reach them: a folder or an object store."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.checkpoint import load_checkpoint
from hpo.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem  # type: ignore[import-untyped]

FILE = "trial.pt"
"""Name of the one file of a checkpoint."""


def file_system(url: str) -> tuple[FileSystem, str]:
    """Open what a path or a URL names.

    Args:
        url: a path; a URL that pyarrow knows (`s3://`, `gs://`, `hdfs://`, `file://`) or one that
            fsspec does, which must be installed for it.

    Returns:
        The file system, and the path on it.

    Raises:
        ConfigError: for a URL that neither knows.

    >>> file_system("/data/checkpoints")[1]
    '/data/checkpoints'
    """
    from pyarrow import ArrowInvalid  # type: ignore[import-untyped]
    from pyarrow.fs import FileSystem, FSSpecHandler, LocalFileSystem, PyFileSystem

    if "://" not in url:
        return LocalFileSystem(), str(Path(url).expanduser().absolute())
    # What is none of pyarrow's own may be one of the many that fsspec knows.
    with suppress(ArrowInvalid, NotImplementedError):
        system, path = FileSystem.from_uri(url)
        return system, path
    from fsspec.core import url_to_fs  # type: ignore[import-untyped]

    try:
        other, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"storage_path: got {url!r}, which cannot be opened ({error}). Give a folder that all "
            "nodes share, or a URL of pyarrow or fsspec."
        ) from error
    return PyFileSystem(FSSpecHandler(other)), path


class CheckpointStore:
    """The checkpoints of a study's running trials.

    Args:
        url: the folder that everything of the study lies in.

    Raises:
        ConfigError: for a URL that cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") if "://" in url else str(Path(url).expanduser().absolute())
        self.system, self.path = file_system(self.url)

    def url_of(self, path: str) -> str:
        """Return how a path on this file system is written down, for any process to open."""
        return self.url + path.removeprefix(self.path.rstrip("/"))

    def exists(self, url: str) -> bool:
        """Whether there is a checkpoint."""
        from pyarrow.fs import FileType

        info = self.system.get_file_info(f"{self._path(url)}/{FILE}")
        return bool(info.type == FileType.File)

    def fetch(self, url: str, to: Path) -> None:
        """Copy a checkpoint into a local file, whole or not at all.

        Raises:
            StorageError: when it cannot be read or written.
        """
        partial = to.with_suffix(".partial")
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            _copy(self.system, f"{self._path(url)}/{FILE}", None, str(partial))
            partial.replace(to)
        except OSError as error:
            raise StorageError(f"{to}: {url} cannot be copied there ({error}).") from error

    def send(self, file: Path, url: str) -> None:
        """Copy a local file to where every node finds it.

        Raises:
            StorageError: when it cannot be read or written.
        """
        path = self._path(url)
        try:
            self.system.create_dir(path)
            _copy(None, str(file), self.system, f"{path}/{FILE}")
        except OSError as error:
            raise StorageError(f"{url}: {file} cannot be copied there ({error}).") from error

    def write(self, content: bytes, url: str) -> None:
        """Write bytes to where every node finds them.

        Raises:
            StorageError: when they cannot be written.
        """
        path = self._path(url)
        try:
            self.system.create_dir(path)
            with self.system.open_output_stream(f"{path}/{FILE}") as stream:
                stream.write(content)
        except OSError as error:
            raise StorageError(
                f"{url}: {len(content)} bytes cannot be written ({error})."
            ) from error

    def read(self, url: str) -> bytes:
        """Read what was written or sent.

        Raises:
            StorageError: when it cannot be read.
        """
        try:
            with self.system.open_input_stream(f"{self._path(url)}/{FILE}") as stream:
                return bytes(stream.read())
        except OSError as error:
            raise StorageError(f"{url}: cannot be read ({error}).") from error

    def folders(self) -> list[str]:
        """Return the URL of each folder in this one."""
        from pyarrow.fs import FileSelector, FileType

        found = self.system.get_file_info(FileSelector(self.path, allow_not_found=True))
        return [self.url_of(info.path) for info in found if info.type == FileType.Directory]

    def delete(self, url: str) -> None:
        """Delete a folder; one that is not there is no error."""
        try:
            self.system.delete_dir(self._path(url))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{url}: cannot be deleted ({error}).") from error

    def _path(self, url: str) -> str:
        return self.path.rstrip("/") + url.removeprefix(self.url)


def load_state(url: str) -> dict[str, Any]:
    """Read a checkpoint on whatever node this is, with `weights_only=True`, onto the CPU.

    Raises:
        StorageError: when it is missing or damaged.
    """
    with tempfile.TemporaryDirectory(prefix="goldilocks-") as folder:
        file = Path(folder) / FILE
        CheckpointStore(url).fetch(url, file)
        return load_checkpoint(file)


def _copy(source: FileSystem | None, path: str, target: FileSystem | None, to: str) -> None:
    from pyarrow.fs import LocalFileSystem, copy_files

    copy_files(
        path,
        to,
        source_filesystem=source or LocalFileSystem(),
        destination_filesystem=target or LocalFileSystem(),
        use_threads=False,
    )
