"""The command with two workers as a process of its own, and the processes that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import hpo
from tests.hpo.studies import tiny_arguments

OPTIONS: dict[str, Any] = {
    "trials": 4,
    "epochs": 9,
    "batch_size": 128,
    "max_images": 700,
    "workers": 2,
}


def start(out: Path, **options: Any) -> subprocess.Popen[str]:
    """Start it as a user would, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "hpo", "run", *tiny_arguments(out, **{**OPTIONS, **options})],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd=Path(hpo.__file__).parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
    )


def read_until(process: subprocess.Popen[str], *texts: str) -> list[str]:
    """Read its output until each text has been at the beginning of some line."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if all(any(seen.startswith(text) for seen in lines) for text in texts):
            return lines
    raise AssertionError(f"ended without {texts}:\n{''.join(lines)}")


def workers_of(parent: int) -> list[int]:
    """Process ids of the workers: the children of the server that the parent started."""
    parents = _parents()
    servers = {pid for pid, above in parents.items() if above == parent}
    return sorted(pid for pid, above in parents.items() if above in servers)


def session_of(leader: int) -> list[int]:
    """Process ids of all that a process started, however deep, itself included."""
    return [pid for pid in _parents() if _stat(pid)[3:4] == [str(leader)]]


def wait_until_gone(pids: list[int], seconds: float) -> list[int]:
    """Wait for processes to end; returns those that have not."""
    give_up = time.monotonic() + seconds
    while (left := [pid for pid in pids if _alive(pid)]) and time.monotonic() < give_up:
        time.sleep(0.05)
    return left


def _alive(pid: int) -> bool:
    stat = _stat(pid)
    return bool(stat) and stat[0] != "Z"


def _parents() -> dict[int, int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return {pid: int(stat[1]) for pid in pids if (stat := _stat(pid)) and stat[0] != "Z"}


def _stat(pid: int) -> list[str]:
    """State, parent, group, session, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
