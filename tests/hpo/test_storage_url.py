"""URLs of databases: what is taken, what is refused, and that no password is ever repeated."""

from __future__ import annotations

import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hpo.config import StudyConfig, load_config, to_yaml
from hpo.errors import ConfigError
from hpo.storage_url import checked_url

QUICK = settings(max_examples=80, deadline=None, derandomize=True)


def written_out(error: BaseException) -> str:
    """An error with everything a traceback shows of it and of its causes."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://anna@db.lab/studies",
        "postgresql+psycopg://anna@/studies?host=/run/postgresql&port=5433",
        "postgresql+psycopg://?service=lab",
        "postgresql+psycopg://anna@db.lab/studies?passfile=/home/anna/pass&sslmode=verify-full",
        "mysql+pymysql://anna@db.lab/studies?read_default_file=~/.my.cnf",
    ],
)
def test_the_url_of_a_server_is_taken_as_it_is(url: str) -> None:
    assert checked_url(url) == url
    assert StudyConfig(storage=url).storage == url


def test_the_file_of_sqlite_means_the_same_file_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert checked_url("sqlite:///a/b.db") == f"sqlite:///{tmp_path}/a/b.db"
    assert checked_url(f"sqlite:///{tmp_path}/b.db") == f"sqlite:///{tmp_path}/b.db"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert checked_url("sqlite:///~/b.db?timeout=9") == f"sqlite:///{tmp_path}/b.db?timeout=9"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("elsewhere.db", "cannot be read as a URL; wanted one such as postgresql"),
        ("", "cannot be read as a URL"),
        ("redis://host", "kind 'redis', which SQLAlchemy does not know"),
        ("postgres://anna@host/db", "kind 'postgres', which SQLAlchemy does not know"),
        ("postgresql+asyncpg://anna@host/db", "asynchronous driver 'postgresql.asyncpg'"),
        ("sqlite://", "in memory; wanted a file"),
        ("sqlite:///:memory:", "in memory; wanted a file"),
        ("postgresql+psycopg://anna@host:port/db", "kind 'postgresql.psycopg' that cannot be"),
        ("postgresql+psycopg://anna:x@host/db", r"password.*PGPASSWORD, ~/\.pgpass or a service"),
        ("mysql+pymysql://anna:x@host/db", r"password.*~/\.my\.cnf.*read_default_file"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f"storage: got .*{words}"):
        checked_url(url)


@QUICK
@given(
    password=st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=8, max_size=20
    ),
    quoted=st.booleans(),
    form=st.sampled_from(
        [
            "postgresql+psycopg://anna:{}@host/db",
            "postgresql+psycopg://anna:{}@host:port/db",
            "postgresql+psycopg://anna@host/db?password={}",
            "postgresql+psycopg://anna@host/db?sslpassword={}",
            "mysql+pymysql://anna@host/db?passwd={}",
            "nosuch://anna:{}@host/db",
        ]
    ),
)
def test_no_password_is_taken_or_repeated(password: str, quoted: bool, form: str) -> None:
    password = "7Zq" + password  # no word of a message
    text = quote(password, safe="") if quoted else password
    for refuse in (checked_url, lambda url: StudyConfig(storage=url)):
        with pytest.raises((ConfigError, ValidationError)) as caught:
            refuse(form.format(text))
        # The last line is ours; the lines of code above it are not what was given.
        assert "7Zq" not in str(caught.value)
        assert caught.value.__cause__ is None
    with pytest.raises(ConfigError) as caught_too:
        load_config(None, {"storage": form.format(text)})
    assert "7Zq" not in written_out(caught_too.value)


def test_a_name_needs_a_database_that_others_share() -> None:
    with pytest.raises(ConfigError, match=r"study_name: got 'a' without storage.*--storage"):
        load_config(None, {"study_name": "a"})


def test_both_are_written_to_the_configuration_and_read_back(tmp_path: Path) -> None:
    config = load_config(None, {"storage": f"sqlite:///{tmp_path}/s.db", "study_name": "a b"})
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    assert load_config(tmp_path / "config.yaml", {}) == config
