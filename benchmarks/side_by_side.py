"""How contestants are compared: memory in a process of their own, time in turn in one process."""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_info
from torch import Tensor

from benchmarks.objective_peers import CONTESTANTS, Contestant

QUIET_SECONDS = 0.3
"""Between two runs: threads of the one before may still spin for 0.2 s and slow the next."""


def load(path: Path, device: str) -> Tensor:
    """Read an input, whole."""
    return torch.from_numpy(np.load(path)).to(device)


def small_piece(data: Tensor) -> Tensor:
    """So few rows and dimensions that a run costs nothing but loads libraries and their buffers."""
    return data[:256, ..., :16].contiguous()


def synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def once(measure: str, key: str, paths: list[Path], device: str) -> dict[str, Any]:
    """Run one contestant on inputs in this (fresh) process: values of each, memory of the first.

    Memory is the highest mark during the run less what there was with the input in place: of the
    device where the contestant computes there, otherwise of the process (None if not Linux).
    """
    contestant = CONTESTANTS[measure][key]
    data = load(paths[0], device)
    contestant.run(small_piece(data))
    gc.collect()
    on_device = device == "cuda" and not contestant.cpu_only
    before = _reset_peak(on_device)
    started = time.perf_counter()
    values = [contestant.run(data)]
    synchronise(device)
    seconds = time.perf_counter() - started
    peak = _peak(on_device)
    above = None if before is None or peak is None else peak - before
    values += [contestant.run(load(path, device)) for path in paths[1:]]
    return {
        "values": {path.stem: found for path, found in zip(paths, values, strict=True)},
        "cold_seconds": seconds,
        "peak_bytes": above,
        "input_bytes": data.nbytes,
    }


def _reset_peak(on_device: bool) -> int | None:
    if on_device:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        return int(torch.cuda.max_memory_allocated())
    if sys.platform != "linux":
        return None
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM becomes what is resident now
    return _peak(on_device)


def _peak(on_device: bool) -> int | None:
    if on_device:
        return int(torch.cuda.max_memory_allocated())
    if sys.platform != "linux":
        return None
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def in_own_process(
    script: Path, measure: str, key: str, paths: list[Path], device: str, limit_seconds: float
) -> dict[str, Any]:
    """Call `once` in a fresh process; {"not_run": why} where it fails or passes the limit."""
    command = [sys.executable, str(script), "--device", device, "one", measure, key]
    command += map(str, paths)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return {"not_run": f"stopped after {limit_seconds:g} s"}
    if done.returncode:
        return {"not_run": f"failed: {(done.stderr.strip().splitlines() or ['killed'])[-1]}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def seconds_in_turn(
    contestants: dict[str, Contestant], data: Tensor, rounds: dict[str, int], device: str
) -> dict[str, list[float]]:
    """Time A B C A B C …: by contestant, the seconds of each round that it took part in.

    Args:
        contestants: by key, in their order.
        data: input of all of them.
        rounds: by key, how many rounds it takes part in; those with the most warm up in full.
        device: where the data are.
    """
    for key, contestant in contestants.items():
        warm = rounds[key] == max(rounds.values())
        contestant.run(data if warm else small_piece(data))
    found: dict[str, list[float]] = {key: [] for key in contestants}
    for turn in range(max(rounds.values(), default=0)):
        for key, contestant in contestants.items():
            if turn < rounds[key]:
                found[key].append(_timed(contestant.run, data, device))
    return found


def _timed(run: Callable[[Tensor], Any], data: Tensor, device: str) -> float:
    gc.collect()
    time.sleep(QUIET_SECONDS)
    synchronise(device)
    started = time.perf_counter()
    run(data)
    synchronise(device)
    return time.perf_counter() - started


def ratio(seconds: list[float], ours: list[float]) -> float:
    """Median over rounds of how many times as long as ours it took, in the same round."""
    return statistics.median(a / b for a, b in zip(seconds, ours, strict=False))


def machine(device: str) -> dict[str, Any]:
    """Describe what it ran on."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    fields = ("user_api", "internal_api", "architecture", "version", "num_threads", "filepath")
    pools = [{k: pool[k] for k in fields if k in pool} for pool in threadpool_info()]
    for pool in pools:
        pool["filepath"] = "/".join(Path(pool["filepath"]).parts[-2:])
    switches = ("OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
        "libraries": pools,
        "environment": {name: os.environ[name] for name in switches if name in os.environ},
        "python": platform.python_version(),
        "versions": {n: version(n) for n in ("goldilocks-hpo", "torch", "scipy", "numpy")},
    }
