"""A database that studies share: opened quickly or refused, waited for when it is away."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from typing import Any

import optuna
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hpo.database_errors import explained, missing_driver, shown
from hpo.patience import PATIENCE_SECONDS, Patience

_HEARTBEAT_SECONDS, _GRACE_SECONDS = 60, 180
_SQLITE_LOCK_SECONDS = 60
_CONNECT_SECONDS = 10
_MAX_OPENINGS, _BETWEEN_OPENINGS_SECONDS = 5, 0.5
# A peer that is gone without a word is noticed in about a minute instead of two hours.
_LIBPQ = {
    "connect_timeout": _CONNECT_SECONDS,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "postgresql+psycopg": _LIBPQ,
    "postgresql+psycopg2": _LIBPQ,
    "postgresql+pg8000": {"timeout": _CONNECT_SECONDS},
    "mysql+pymysql": {"connect_timeout": _CONNECT_SECONDS},
    "mysql+mysqldb": {"connect_timeout": _CONNECT_SECONDS},
    "mysql+mysqlconnector": {"connection_timeout": _CONNECT_SECONDS},
}


def rdb_storage(url: str, engine_kwargs: dict[str, Any]) -> RDBStorage:
    """Open Optuna's storage with a heartbeat.

    Args:
        url: of SQLAlchemy.
        engine_kwargs: of SQLAlchemy's engine.
    """
    with warnings.catch_warnings():
        # The heartbeat has been "experimental" since Optuna 2.9.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return RDBStorage(
            url.replace("{", "{{").replace("}", "}}"),  # Optuna fills templates
            engine_kwargs=engine_kwargs,
            heartbeat_interval=_HEARTBEAT_SECONDS,
            grace_period=_GRACE_SECONDS,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=2),
        )


def sqlite_kwargs() -> dict[str, Any]:
    """Return the engine arguments of an SQLite file: patient about locks."""
    return {"connect_args": {"timeout": _SQLITE_LOCK_SECONDS}}


def open_database(
    url: str,
    *,
    say: Callable[[str], None] = lambda text: None,
    check: Callable[[], None] = lambda: None,
    patience_seconds: float = PATIENCE_SECONDS,
    underway: bool = False,
) -> RDBStorage:
    """Open a database for studies, making its tables when there are none.

    Unless a study is underway, opening takes no longer than connecting once, 10 s at most for each
    address of the host. Once it is open, a server that goes away is waited for (`hpo.patience`).

    Args:
        url: as `checked_url` returns it.
        say: told once when a server is away, and once when it is back.
        check: called while waiting; what it raises ends the wait.
        patience_seconds: how long a server is waited for.
        underway: whether the study is at work already, in another process: then a server that
            cannot be used now is waited for as well.

    Raises:
        ConfigError: when the database's driver is not installed.
        StorageError: when the database cannot be reached or used, with what to do.
    """
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    kwargs = sqlite_kwargs() if is_sqlite else _server_kwargs(url)
    give_up = time.monotonic() + (patience_seconds if underway else 0.0)
    while True:
        try:
            storage = _open(url, kwargs)
            break
        except ImportError as error:
            raise missing_driver(url, error) from error
        except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError, TypeError) as error:
            # RuntimeError: Optuna's word for a database of another version, PyMySQL's for a missing
            # package; TypeError: a driver's for an option in the URL that it does not know.
            check()
            if time.monotonic() >= give_up:
                raise explained(url, error) from error
        time.sleep(_BETWEEN_OPENINGS_SECONDS)
    if not is_sqlite:
        Patience(shown(url), say, check, patience_seconds).watch(storage)
    return storage


def _server_kwargs(url: str) -> dict[str, Any]:
    parsed = make_url(url)
    driver = f"{parsed.get_backend_name()}+{parsed.get_driver_name()}".replace("mariadb", "mysql")
    arguments = dict(_CONNECT_ARGUMENTS.get(driver, {}))
    for name in parsed.query:
        arguments.pop(name, None)  # the user knows better
    if "PGCONNECT_TIMEOUT" in os.environ:
        arguments.pop("connect_timeout", None)
    return {"connect_args": arguments, "pool_pre_ping": True}


def _open(url: str, kwargs: dict[str, Any]) -> RDBStorage:
    """Open it, again where another process is making the tables at the same moment."""
    for _ in range(_MAX_OPENINGS - 1):
        try:
            return rdb_storage(url, dict(kwargs))
        except SQLAlchemyError as error:
            if not isinstance(error, IntegrityError) and "already exists" not in str(error):
                raise
            time.sleep(_BETWEEN_OPENINGS_SECONDS)
    return rdb_storage(url, dict(kwargs))
