"""A node whose object store and disk are full, and one whose memory is: really full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from ray.exceptions import OutOfDiskError

from hpo.record import read_rows
from hpo.study import run_study
from tests.hpo.ray_tune.own_cluster import cluster
from tests.hpo.ray_tune.test_engine import Watching
from tests.hpo.ray_tune.test_faults import METHOD
from tests.hpo.studies import states, tiny, values

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="looks at /proc/meminfo"),
]

OPTIONS: dict[str, Any] = {"trials": 2, "epochs": 3, "max_images": 500}
HEADROOM_BYTES = 5_000_000_000  # other tests allocate meanwhile

# Half as much again as Ray allows, in steps in which it can look.
GREEDY = """
    if worker and default:
        import time
        held = []
        for _ in range(100):
            held.append(b"x" * 75_000_000)
            time.sleep(0.05)
        time.sleep(20)
"""


def memory_bytes(name: str) -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def limited_by_a_container(total_bytes: int) -> bool:
    files = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    limits = [Path(file).read_text().strip() for file in files if Path(file).exists()]
    return any(limit != "max" and int(limit) < total_bytes for limit in limits)


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    total, available = (memory_bytes(name) for name in ("MemTotal", "MemAvailable"))
    if limited_by_a_container(total):
        pytest.skip("Ray counts the container's memory, this test the machine's")
    if available < 3 * HEADROOM_BYTES:
        pytest.skip("the machine has too little memory left to play with")
    limit = (total - available + HEADROOM_BYTES) / total
    with cluster(
        memory_usage_threshold=limit,
        memory_monitor_refresh_ms=100,
        local_fs_capacity_threshold=0.001,  # the disk counts as full
        automatic_object_spilling_enabled=False,
    ):
        yield


def filled() -> list[Any]:
    """Fill the object store; it is full as long as what is returned is kept."""
    held: list[Any] = []
    for size in (10_000_000, 1_000_000, 100_000):
        with suppress(OutOfDiskError):
            while True:
                held.append(ray.put(np.ones(size, dtype=np.uint8)))
    return held


def test_a_full_object_store_is_nothing_to_a_study(tmp_path: Path) -> None:
    run_study(tiny(tmp_path / "undisturbed", **OPTIONS))
    held = filled()
    run_study(tiny(tmp_path / "s", engine="ray", **OPTIONS))
    a, b = tmp_path / "s" / "study.db", tmp_path / "undisturbed" / "study.db"
    assert (states(a), values(a)) == (states(b), values(b))
    with pytest.raises(OutOfDiskError):
        ray.put(np.ones(200_000, dtype=np.uint8))
    del held


def test_a_trial_that_ray_kills_for_want_of_memory_fails_with_the_reason_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    file, watching = tmp_path / "my_method.py", Watching()
    file.write_text(METHOD.format(here=str(tmp_path), driver=os.getpid(), body=GREEDY))
    config = tiny(tmp_path / "s", engine="ray", method=f"{file}:mine", **OPTIONS)
    study = run_study(config, observer=watching)
    assert [s for _, s in states(tmp_path / "s" / "study.db")] == ["FAIL", "COMPLETE"]
    reason = read_rows(study, running=False)[0].reason
    assert "Ray killed it because its node ran low on memory" in reason
    assert reason.endswith("(3 times: given up)")
    assert sum("trial 0: its process died: Ray killed it" in said for said in watching.lines) == 3
