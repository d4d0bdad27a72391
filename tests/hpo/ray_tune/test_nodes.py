"""A node lost in the middle of a study, and its driver killed at any moment."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from hpo.record import read_rows
from hpo.storage import StudyDirectory, load_study
from tests.hpo.ray_tune.nodes import nodes, start
from tests.hpo.studies import states, values

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture
def three_nodes() -> Iterator[Cluster]:
    with nodes(1, 1) as cluster:
        yield cluster


def any_reading(out: Path) -> bool:
    """Whether a trial has come to a rung; the file exists for a moment before its tables do."""
    try:
        return (out / "study.db").exists() and bool(values(out / "study.db"))
    except sqlite3.OperationalError:
        return False


def until_a_trial_trains(process: subprocess.Popen[str]) -> None:
    """Read its output until a trial says how far it is, or to the end."""
    assert process.stdout is not None
    next((line for line in process.stdout if ": running at epoch " in line), None)


def ended_well(out: Path, n_trials: int) -> None:
    """No trial is lost, none is there twice, none runs for ever, and every draw is its own."""
    found = states(out / "study.db")
    assert [number for number, _ in found] == list(range(n_trials))
    assert {state for _, state in found} <= {"COMPLETE", "PRUNED"}
    study = load_study(StudyDirectory(out))
    drawn = [tuple(sorted(trial.params.items())) for trial in study.get_trials()]
    assert len(set(drawn)) == n_trials
    for row in read_rows(study, running=False):
        assert row.spent_epochs >= row.epoch - 1e-6


def test_a_study_outlives_the_loss_of_a_node(three_nodes: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "study"
    process = start(three_nodes, out, trials=5, epochs=9, budget="40 epochs", replicates=0)
    give_up = time.monotonic() + 240
    while not any_reading(out) and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.2)
    three_nodes.remove_node(three_nodes.list_all_nodes()[-1], allow_graceful=False)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert "its process died" in output
    assert "chosen" in output
    ended_well(out, len(states(out / "study.db")))
    study = load_study(StudyDirectory(out))
    assert sum(trial.user_attrs["spent"]["epochs"] for trial in study.get_trials()) <= 40 + 6


def test_the_driver_killed_ten_times_leaves_the_study_whole(
    three_nodes: Cluster, tmp_path: Path
) -> None:
    out, rng = tmp_path / "study", random.Random(20261121)
    done: set[int] = set()
    n_killed = 0
    for attempt in range(10):
        process = start(three_nodes, out, trials=10, epochs=9)
        # Every other time while it starts, then while its trials train.
        if attempt % 2:
            until_a_trial_trains(process)
        try:
            process.communicate(timeout=rng.uniform(0.0, 4.0) if attempt % 2 else rng.uniform(1, 9))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            n_killed += 1
        if any_reading(out):
            now = {n for n, state in states(out / "study.db") if state in ("COMPLETE", "PRUNED")}
            assert done <= now, "a finished trial was lost"
            done = now
    assert n_killed == 10
    process = start(three_nodes, out, trials=10, epochs=9)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    ended_well(out, 10)
