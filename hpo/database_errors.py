"""What a database's refusals mean, and what to do about them."""

from __future__ import annotations

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from hpo.errors import ConfigError, GoldilocksError, StorageError
from hpo.storage_url import password_hint

_MOST_CHARACTERS = 300
# Driver by the name it is imported under -> what pip installs.
_PACKAGES = {
    "psycopg": "'goldilocks-hpo[postgresql]'",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "mysql": "mysql-connector-python",
}
_LOST = (
    "refused", "could not connect", "can't connect", "resolve host", "not known", "translate host",
    "no such file or directory", "timeout", "timed out", "no route", "unreachable",
)  # fmt: skip
_CREATE = "CREATE DATABASE {database}"
_GRANT = (
    "let its owner run GRANT CREATE ON SCHEMA public TO {user}, or give {user} a database of "
    "its own"
)
# What libpq, MySQL and SQLite say -> what to do. The first that fits counts.
_REMEDIES = (
    ("database * does not exist", f"create it: {_CREATE}"),
    ("unknown database", f"create it: {_CREATE}"),
    ("permission denied for table", "let its owner grant {user} SELECT, INSERT, UPDATE and DELETE"),
    ("permission denied", _GRANT),
    ("command denied", "let its owner grant {user} all privileges on {database}"),
    ("no password supplied", "give the password by {password}"),
    ("password authentication failed", "give the right password by {password}"),
    ("access denied", "give the right password by {password}"),
    ("role * does not exist", "give the user's name in the URL, USER@HOST"),
    ("no pg_hba.conf entry", "let the server's pg_hba.conf admit {user} from this machine"),
    ("definition of service", "name a service of ~/.pg_service.conf"),
    ("too many connections", "close other clients, or raise the server's max_connections"),
    ("too many clients", "close other clients, or raise the server's max_connections"),
    ("read-only", "give a server that may be written, not a standby"),
    ("unable to open database file", "its folder must exist and be writable"),
    ("not a database", "give another file; this one is left as it is"),
    ("no longer compatible", "upgrade it: optuna storage upgrade --storage {url}"),
    ("already exists", "give the same command again: another study was making the tables"),
    *((said, "see whether the server runs, and whether host and port are right") for said in _LOST),
)
_OTHERWISE = "mend that, then give the same command again"


def shown(url: str) -> str:
    """Return a URL as it may be shown: without a password, should there be one."""
    return make_url(url).render_as_string(hide_password=True)


def missing_driver(url: str, error: ImportError) -> ConfigError:
    """Return what to raise where the driver of a URL is missing, with the package it is in.

    Args:
        url: of the database.
        error: what importing the driver ended with.
    """
    cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error
    driver = make_url(url).drivername
    if cause.name is None:
        # psycopg without its C library: it is installed and still cannot be imported.
        return ConfigError(
            f"storage: the driver of {driver}:// cannot be loaded ({first_words(cause)}). Install "
            f"it whole: pip install {_PACKAGES['psycopg']}."
        )
    module = cause.name.partition(".")[0]
    text = (
        f"storage: {driver}:// needs the package {module}, which is not installed: "
        f"pip install {_PACKAGES.get(module, module)}."
    )
    if driver in ("postgresql", "postgresql+psycopg2"):
        text += f" Or write postgresql+psycopg:// and pip install {_PACKAGES['psycopg']}."
    return ConfigError(text)


def explained(url: str, error: Exception) -> GoldilocksError:
    """Return what to raise for a database that could not be opened, with what to do.

    Args:
        url: of the database.
        error: what the driver, SQLAlchemy or Optuna raised.
    """
    words = first_words(error)
    low = words.lower()
    remedy = next((do for said, do in _REMEDIES if _fits(said, low)), _OTHERWISE)
    parsed = make_url(url)
    what_to_do = remedy.format(
        database=parsed.database or "NAME",
        user=parsed.username or "the user",
        password=password_hint(parsed.get_backend_name()),
        url=shown(url),
    )
    return StorageError(f"storage: {shown(url)} cannot be used ({words}): {what_to_do}.")


def first_words(error: BaseException) -> str:
    """Return what an error says, on one line and without SQLAlchemy's wrapping."""
    while isinstance(error.__cause__, DBAPIError):
        error = error.__cause__
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _MOST_CHARACTERS else f"{words[:_MOST_CHARACTERS]}…"


def _fits(said: str, words: str) -> bool:
    before, _, after = said.partition(" * ")
    start = words.find(before)
    return start >= 0 and after in words[start:]
