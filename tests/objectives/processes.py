"""Several real processes that talk by Gloo, for the tests of what is reduced over them."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

PATIENCE_SECONDS = 120


def in_processes(work: Callable[[int], Any], folder: Path, n_processes: int = 2) -> list[Any]:
    """What `work(rank)` returned in each process; a hang or an exception there fails the test."""
    running = mp.spawn(_run, (work, n_processes, folder), nprocs=n_processes, join=False)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not running.join(timeout=1.0):
        if time.monotonic() > deadline:
            for process in running.processes:
                process.kill()
            pytest.fail(f"the processes hang: not done after {PATIENCE_SECONDS} s")
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(n_processes)]


def _run(rank: int, work: Callable[[int], Any], n_processes: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=(folder / "meeting").as_uri(),
        rank=rank,
        world_size=n_processes,
        timeout=timedelta(seconds=PATIENCE_SECONDS / 2),
    )
    try:
        torch.save(work(rank), folder / f"{rank}.pt")
    finally:
        dist.destroy_process_group()
