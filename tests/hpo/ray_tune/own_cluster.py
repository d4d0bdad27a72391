"""A small real Ray cluster that writes to one folder of its own and is gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import ray

OBJECT_STORE_BYTES = 100_000_000


def is_agent(pid: int) -> bool:
    """Whether a process is one of Ray's two that wait for a minute for their cluster's return."""
    try:
        return b"Agent" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@contextmanager
def own_home() -> Iterator[Path]:
    """Give Ray a home and a folder of its own; yields the folder."""
    # Not pytest's folder: sockets lie in it, whose paths may have 107 characters.
    with (
        tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        home = Path(folder) / "home"
        home.mkdir()
        patch.setenv("HOME", str(home))
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("OMP_NUM_THREADS", "1")
        yield Path(folder)


@contextmanager
def cluster(*, num_cpus: int = 2, num_gpus: int = 0, **system: Any) -> Iterator[Path]:
    """Start a cluster; yields a folder for results, which is HOME meanwhile.

    `system` are settings of Ray's own, such as how full its disk may be.
    """
    with own_home() as folder:
        ray.init(
            include_dashboard=False,
            num_cpus=num_cpus,
            num_gpus=num_gpus,
            object_store_memory=OBJECT_STORE_BYTES,
            log_to_driver=False,
            _temp_dir=f"{folder}/r",
            _system_config=system or None,
        )
        try:
            yield folder / "home"
        finally:
            ray.shutdown()
