"""Opening a database that cannot be used: what is said, by whatever driver, and how soon."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import optuna
import pytest

from hpo.database import open_database
from hpo.database_errors import explained, first_words
from hpo.errors import ConfigError, StorageError


@pytest.mark.parametrize(
    ("url", "module", "install"),
    [
        ("mysql+pymysql://anna@host/db", "pymysql", "pip install pymysql"),
        ("mysql://anna@host/db", "MySQLdb", "pip install mysqlclient"),
        ("postgresql+psycopg://anna@host/db", "psycopg", r"'goldilocks-hpo\[postgresql\]'"),
        ("postgresql+psycopg2://anna@host/db", "psycopg2", "psycopg2-binary. Or write postgresql"),
    ],
)
def test_a_missing_driver_is_named_with_its_package(
    url: str, module: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=f"storage: .* needs the package {module}.*{install}"):
        open_database(url)


def test_a_driver_without_its_c_library_is_to_be_installed_whole() -> None:
    from hpo.database_errors import missing_driver

    error = missing_driver("postgresql+psycopg://h/d", ImportError("no pq wrapper available."))
    assert "no pq wrapper available" in str(error)
    assert "pip install 'goldilocks-hpo[postgresql]'" in str(error)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("no/such/folder.db", "unable to open database file.*its folder must exist"),
        ("text.db", "not a database.*give another file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(place: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database" * 100)
    with pytest.raises(StorageError, match=words):
        open_database(f"sqlite:///{tmp_path}/{place}")


def test_a_folder_with_braces_is_no_template(tmp_path: Path) -> None:
    (tmp_path / "{x}").mkdir()
    storage = open_database(f"sqlite:///{tmp_path}/{{x}}/s.db")
    storage.engine.dispose()
    assert (tmp_path / "{x}" / "s.db").exists()


def test_a_database_of_another_version_says_how_to_upgrade(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    storage = open_database(url)
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v3.0.0.a'")
    storage.engine.dispose()
    with pytest.raises(StorageError, match=f"optuna storage upgrade --storage {url}"):
        open_database(url)


def test_a_server_that_says_nothing_is_given_up_soon() -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port, started = silent.getsockname()[1], time.monotonic()
        with pytest.raises(StorageError, match=r"time.*see whether the server runs"):
            open_database(f"postgresql+psycopg://a@127.0.0.1:{port}/d?connect_timeout=2")
        assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("(1049, \"Unknown database 'studies'\")", "create it: CREATE DATABASE studies"),
        ("(1045, \"Access denied for user 'anna'@'h' (using password: NO)\")", "~/.my.cnf"),
        ("(1142, \"CREATE command denied to user 'anna'@'h'\")", "grant anna all privileges"),
        ("(2003, \"Can't connect to MySQL server on 'h' ([Errno 111])\")", "the server runs"),
        ("something new", "mend that, then give the same command again"),
    ],
)
def test_what_mysql_says_is_understood(said: str, wanted: str) -> None:
    inner = optuna.exceptions.StorageInternalError("An exception is raised during the commit.")
    inner.__cause__ = RuntimeError(said)
    error = explained("mysql+pymysql://anna@h/studies", RuntimeError(said))
    assert isinstance(error, StorageError)
    assert wanted in str(error)


def test_only_so_much_is_said() -> None:
    assert first_words(RuntimeError("a\n  b")) == "a b"
    assert len(first_words(RuntimeError("x" * 1000))) == 301
    assert first_words(RuntimeError()) == "RuntimeError"
