"""A trial on two devices of one node, inside Ray's actor: two Gloo processes on the processor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from hpo.ray_tune import trainable
from tests.hpo.ray_tune.own_cluster import cluster

pytestmark = [pytest.mark.ray, pytest.mark.slow]

OPTIONS: dict[str, Any] = {
    "image_size": 8,
    "batch_size": 64,
    "max_images": 400,
    "lidar_views": 2,
    "threads": 1,
    "epochs": 2,
    "device": "cpu",
    "precision": "float32",
}
GIVEN = {"lr": 1e-3, "weight_decay": 0.01, "temperature": 0.2}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with cluster() as home:
        yield home


def fit(home: Path, made: Any, name: str, **options: Any) -> tune.ResultGrid:
    run = tune.RunConfig(storage_path=str(home / "own"), name=name, verbose=0, **options)
    return tune.Tuner(made, param_space=GIVEN, run_config=run).fit()


def members(home: Path) -> list[str]:
    """Numbers of the processes that Ray's actors have started and that still live."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            started = b"multiprocessing" in (process / "cmdline").read_bytes()
            if started and f"HOME={home}\0".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:  # gone meanwhile
            continue
    return found


def all_gone(home: Path) -> bool:
    deadline = time.monotonic() + 30
    while members(home) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not members(home)


def test_two_processes_train_one_trial_and_are_gone_afterwards(home: Path) -> None:
    results = fit(home, trainable(devices=2, **OPTIONS), "two")
    assert not results.errors
    metrics = results[0].metrics
    assert (metrics["epoch"], metrics["collapse"]) == (2, "")
    assert all_gone(home)


def test_a_killed_leader_is_replaced_and_the_trial_goes_on_from_its_checkpoint(home: Path) -> None:

    class KilledOnce(trainable(devices=2, **OPTIONS)):  # type: ignore[misc]
        def step(self) -> dict[str, Any]:
            marker = Path(os.environ["HOME"]) / "killed"
            if self._run.epoch == 1 and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            result: dict[str, Any] = super().step()
            return result | {"members": len(members(Path(os.environ["HOME"])))}

    results = fit(
        home,
        KilledOnce,
        "killed",
        failure_config=tune.FailureConfig(max_failures=1),
        checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=1),
    )
    assert not results.errors
    metrics = results[0].metrics
    assert (metrics["epoch"], metrics["iterations_since_restore"]) == (2, 1)
    assert (metrics["members"] > 0, (home / "killed").exists()) == (True, True)
    assert all_gone(home)
