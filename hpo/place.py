"""Where a study is recorded: in a file of its own directory, or in a database that many share."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from optuna.storages import RDBStorage

from hpo.database import open_database, rdb_storage, sqlite_kwargs
from hpo.database_errors import shown
from hpo.errors import StorageError
from hpo.options import StudyConfig
from hpo.storage_url import checked_url

STUDY_NAME = "goldilocks"


@dataclass(frozen=True)
class Place:
    """Where a study is recorded.

    Args:
        out: its directory.
        url: of the database; None for the file `study.db` of the directory.
        study_name: of the study in it.
    """

    out: Path
    url: str | None = None
    study_name: str = STUDY_NAME

    @property
    def elsewhere(self) -> bool:
        """Whether the database is not the directory's own, so that it may hold other studies."""
        return self.url is not None

    def describe(self) -> str:
        """Say it in a few words.

        >>> Place(Path("studies/a")).describe()
        'studies/a/study.db'
        """
        if self.url is None:
            return str(self.out / "study.db")
        return f"study {self.study_name!r} in {shown(self.url)}"

    def options(self) -> str:
        """Return the options of `goldilocks run` that name this place."""
        return shlex.join(["--storage", shown(self.url or ""), "--study-name", self.study_name])

    def open(
        self,
        *,
        say: Callable[[str], None] = lambda text: None,
        check: Callable[[], None] = lambda: None,
        underway: bool = False,
    ) -> RDBStorage:
        """Open the database; the arguments are those of `open_database`."""
        if self.url is None:
            return open_storage(self.out / "study.db")
        return open_database(self.url, say=say, check=check, underway=underway)


def place_of(config: StudyConfig) -> Place:
    """Return where a study is to be recorded.

    In a shared database its name is, by default, that of its directory.
    """
    if config.storage is None:
        return Place(config.out)
    return Place(config.out, config.storage, config.study_name or _default_name(config.out))


def recorded_place(out: Path) -> Place | None:
    """Return where the study of a directory is recorded, as its own files say.

    Args:
        out: the directory.

    Returns:
        None where it holds no study.

    Raises:
        ConfigError: when its configuration names an impossible database.
        StorageError: when its configuration cannot be read.
    """
    if (out / "study.db").exists():
        return Place(out)
    file = out / "config.yaml"
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{file}: cannot be read ({error}).") from error
    except yaml.YAMLError as error:
        raise StorageError(
            f"{file}: is no valid YAML, and says where the study is recorded. Mend it, or give the "
            "same `goldilocks run` command again, which writes it."
        ) from error
    content = content if isinstance(content, dict) else {}
    storage, name = content.get("storage"), content.get("study_name") or content.get("study-name")
    if not storage:
        return None
    return Place(out, checked_url(str(storage)), str(name) if name else _default_name(out))


def open_storage(database: Path) -> RDBStorage:
    """Open the SQLite file of a study with a heartbeat, patient about locks."""
    return rdb_storage(f"sqlite:///{database.resolve()}", sqlite_kwargs())


def _default_name(out: Path) -> str:
    return out.absolute().resolve().name or STUDY_NAME
