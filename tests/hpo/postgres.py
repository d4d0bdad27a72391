"""A real PostgreSQL server of our own in a temporary folder, gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "not-to-be-seen"
_DEBIANS = "/usr/lib/postgresql"
_UNPRIVILEGED = "nobody"


def why_not() -> str:
    """Say why no server can be started here; empty when one can."""
    if _binaries() is None:
        return "PostgreSQL's initdb is not installed"
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed: pip install 'goldilocks-hpo[postgresql]'"
    return ""


@dataclass
class Server:
    """A server whose superuser is `admin`; through the socket nobody needs a password."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    def url(self, database: str = "studies", user: str = "admin") -> str:
        """The URL of a database through the socket."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}&port={self.port}"

    def tcp_url(self, database: str = "studies", user: str = "admin", more: str = "") -> str:
        """The same through TCP, where a password is asked for."""
        return f"postgresql+psycopg://{user}{more}@127.0.0.1:{self.port}/{database}"

    def sql(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run statements as superuser; return the rows of the last."""
        import psycopg

        where = {"host": str(self.folder), "port": self.port, "user": "admin"}
        with psycopg.connect(dbname=database, autocommit=True, **where) as connection:  # type: ignore[arg-type]
            for statement in statements:
                cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def new_database(self, name: str) -> str:
        """Make an empty database; return its URL."""
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
        return self.url(name)

    def start(self) -> None:
        command = [_binary("postgres"), "-D", self.folder / "data", "-p", str(self.port)]
        command += ["-k", self.folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, **_as_nobody()
            )
        give_up = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT is PostgreSQL's fast shutdown, SIGQUIT one without farewell."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=60)
            self.process = None

    def _answers(self) -> bool:
        import psycopg

        try:
            self.sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def server() -> Iterator[Server]:
    """Start a server with an empty database `studies`; skips the test where that cannot be."""
    if reason := why_not():
        pytest.skip(reason)
    # Not pytest's folder, which only its owner may enter, and whose path is long for a socket.
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:  # the server refuses to run as root
            for path in (folder, folder / "password"):
                shutil.chown(path, _UNPRIVILEGED)
        command = [_binary("initdb"), "-D", folder / "data", "-U", "admin", "-E", "UTF8"]
        command += ["--no-sync", "--locale=C", f"--pwfile={folder / 'password'}"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256"]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **_as_nobody())
        made = Server(folder, _free_port())
        made.start()
        try:
            made.new_database("studies")
            yield made
        finally:
            made.stop()


def _binary(name: str) -> Path:
    folder = _binaries()
    assert folder is not None
    return folder / name


def _binaries() -> Path | None:
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    newest_last = sorted(Path(_DEBIANS).glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return newest_last[-1].parent if newest_last else None


def _as_nobody() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": _UNPRIVILEGED, "group": "nogroup", "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
