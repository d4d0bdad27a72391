"""The URL of a database that holds studies: what it may say, and that it says no password."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import URL

_WANTED = (
    "wanted one such as postgresql+psycopg://USER@HOST/DATABASE, "
    "mysql+pymysql://USER@HOST/DATABASE or sqlite:///FILE"
)
_SECRET = re.compile(r"passw|^pass$|pwd|secret|token", re.IGNORECASE)
_MYSQL = "~/.my.cnf ([client], password=...), with ?read_default_file=~/.my.cnf in the URL"
_WITHOUT_PASSWORD = {
    "postgresql": (
        "the environment variable PGPASSWORD, ~/.pgpass or a service file (?service=NAME)"
    ),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
}


def checked_url(text: str) -> str:
    """Check the URL of a database as far as that goes without asking the database.

    A URL with a password is refused, not stripped: by the time it is read here it has been in the
    shell's history, where every user of the machine sees command lines, and perhaps in a file; and
    `goldilocks status` would need the password from somewhere else all the same.

    Args:
        text: as SQLAlchemy and `optuna.storages.RDBStorage` take it.

    Returns:
        The same; the file of an SQLite URL with its absolute path, so that it means the same file
        wherever it is read again.

    Raises:
        ConfigError: for what is no such URL, for a password in it, and for a database in memory.
            A text that may hold a password is never repeated.

    >>> checked_url("postgresql+psycopg://anna@db.lab/studies")
    'postgresql+psycopg://anna@db.lab/studies'
    """
    url = _parsed(text)
    _refuse_password(url)
    _check_dialect(url)
    if url.get_backend_name() != "sqlite" or (url.database or "").startswith("file:"):
        return text
    if url.database in (None, "", ":memory:"):
        raise ConfigError(
            "storage: got an SQLite database in memory; wanted a file, sqlite:///FILE, that "
            "outlives the run and that all workers see."
        )
    file = Path(str(url.database)).expanduser().absolute()
    return url.set(database=str(file)).render_as_string(hide_password=False)


def password_hint(backend: str) -> str:
    """Say where a password may stand instead.

    Args:
        backend: SQLAlchemy's name of the kind of database.
    """
    return _WITHOUT_PASSWORD.get(backend, "what the database's own client reads")


def _parsed(text: str) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        # Neither the text nor the cause is shown: both may hold a password.
        known = text.partition("://")[0] if "://" in text else ""
        kind = f"a URL of kind {known!r} that" if known.isascii() and known else "what"
        raise ConfigError(f"storage: got {kind} cannot be read as a URL; {_WANTED}.") from None


def _refuse_password(url: URL) -> None:
    if not url.password and not any(_SECRET.search(key) for key in url.query):
        return
    raise ConfigError(
        "storage: got a URL with a password, which others may see in the list of processes and "
        "which would be kept in config.yaml and in the study. Leave it out of the URL and give it "
        f"by {password_hint(url.get_backend_name())}."
    )


def _check_dialect(url: URL) -> None:
    from sqlalchemy.exc import NoSuchModuleError

    try:
        dialect = url.get_dialect()
    except NoSuchModuleError:
        raise ConfigError(
            f"storage: got a URL of kind {url.drivername!r}, which SQLAlchemy does not know; "
            f"{_WANTED}."
        ) from None
    if dialect.is_async:
        raise ConfigError(
            f"storage: got the asynchronous driver {url.drivername!r}, which Optuna cannot use; "
            f"{_WANTED}."
        )
