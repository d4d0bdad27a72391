"""Processes that read a folder into the image cache, and do not always live to see its end."""

import multiprocessing
import os
import resource
import signal
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from hpo.errors import StorageError
from tests.hpo.data.helpers import load

# One process imports torch; all others are forked from it.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.hpo.data.building_process"])


def start(
    source: Path,
    cache: Path,
    log: Path,
    *,
    die_at: int = 0,
    wait_for: Path | None = None,
    file_limit: int | None = None,
) -> ForkServerProcess:
    """Begin to read; the log gets each progress call, each note, and the fingerprint or error."""
    process = _CONTEXT.Process(target=_run, args=(source, cache, log, die_at, wait_for, file_limit))
    process.start()
    return process


def wait_until(text: str, log: Path, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not (log.exists() and text in log.read_text()):
        assert time.monotonic() < until, f"{log} never said {text!r}"
        time.sleep(0.02)


def _run(
    source: Path,
    cache: Path,
    log: Path,
    die_at: int,
    wait_for: Path | None,
    file_limit: int | None,
) -> None:
    n_calls = 0

    def say(text: str) -> None:
        with log.open("a") as file:
            file.write(f"{text}\n")

    def progress(done: int, total: int) -> None:
        nonlocal n_calls
        n_calls += 1
        say(f"{done} of {total}")
        if n_calls == die_at:
            if wait_for is None:
                os.kill(os.getpid(), signal.SIGKILL)
            while wait_for is not None and not wait_for.exists():
                time.sleep(0.02)

    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpo.data.building.SAVE_EVERY_SECONDS", 0.0)
        patch.setattr("hpo.data.file_index.SETTLED_SECONDS", 0.0)
        try:
            data = load(
                source,
                max_unreadable_share=0.5,
                cache_dir=cache,
                cache_gib=1.0,
                progress=progress,
                note=say,
            )
        except StorageError as error:
            say(f"StorageError: {error}")
        else:
            say(data.fingerprint)
