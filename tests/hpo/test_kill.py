"""A study whose process is really killed, and the same command again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

from hpo.meter import session_seconds
from hpo.study import run_study
from tests.hpo.studies import parameters, states, tiny, tiny_arguments, values

_OPTIONS = {"trials": 4, "epochs": 12, "batch_size": 128, "check_labels": True}


def start(out: Path) -> subprocess.Popen[str]:
    """Start the command as a user would."""
    return subprocess.Popen(
        [sys.executable, "-m", "hpo", "run", *tiny_arguments(out, **_OPTIONS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study, never disturbed, run by the same command."""
    out = tmp_path_factory.mktemp("whole") / "study"
    process = start(out)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return out


@pytest.mark.slow
def test_killed_ten_times_at_random_nothing_is_lost_or_repeated(
    whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "study"
    rng = random.Random(20261121)
    seen: dict[tuple[int, int], float] = {}
    done: set[int] = set()
    lives: list[tuple[float, float]] = []
    for _ in range(10):
        started = time.time()
        process = start(out)
        try:
            process.communicate(timeout=rng.uniform(2.5, 9.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        lives.append((started, time.time()))
        database = out / "study.db"
        if has_all_tables(database):
            now = {(n, step): value for n, step, value in values(database)}
            assert seen.items() <= now.items(), "a reported value was lost or changed"
            finished = {n for n, state in states(database) if state in ("COMPLETE", "PRUNED")}
            assert done <= finished, "a finished trial was lost"
            seen, done = now, finished
        else:
            assert (seen, done) == ({}, set()), "the database was lost"
    started = time.time()
    process = start(out)
    output, _ = process.communicate(timeout=300)
    lives.append((started, time.time()))
    assert process.returncode == 0, output

    database, undisturbed = out / "study.db", whole / "study.db"
    assert states(database) == states(undisturbed)
    assert "RUNNING" not in dict(states(database)).values()
    assert parameters(database) == parameters(undisturbed)
    assert values(database) == values(undisturbed)

    study, reference = load(database), load(undisturbed)
    assert study.user_attrs["choice"] == reference.user_attrs["choice"]
    assert_all_time_is_recorded(study.user_attrs, lives)


def assert_all_time_is_recorded(attrs: dict[str, Any], lives: list[tuple[float, float]]) -> None:
    """The clock starts when Python has loaded what it needs, and is written every two seconds."""
    sessions = [record for key, record in attrs.items() if key.startswith("session/")]
    lived = 0.0
    for session in sessions:
        began, ended = next(life for life in lives if life[0] <= session["started"] <= life[1])
        assert session["seconds"] <= ended - began
        lived += ended - session["started"]
    # Two seconds are the promise, half a second more for a step and a commit.
    assert lived - 2.5 * len(sessions) <= session_seconds(attrs) <= lived


def has_all_tables(database: Path) -> bool:
    """Optuna makes its tables one by one: a kill may fall between two of them."""
    if not database.exists():
        return False
    made = sqlite3.connect(database)
    try:
        names = {name for (name,) in made.execute("SELECT name FROM sqlite_master")}
    finally:
        made.close()
    return {"trials", "trial_intermediate_values"} <= names


def load(database: Path) -> optuna.Study:
    return optuna.load_study(study_name="goldilocks", storage=f"sqlite:///{database}")


_KILL_AT = """
import os, sys
target, name, call = sys.argv[1], sys.argv[2], int(sys.argv[3])
import importlib
owner = importlib.import_module(target.split(":")[0])
for part in target.split(":")[1].split("."):
    owner = getattr(owner, part) if part else owner
original, calls = getattr(owner, name), 0
def dies(*args, **kwargs):
    global calls
    calls += 1
    if calls == call and sys.argv[4] == "before":
        os._exit(9)
    result = original(*args, **kwargs)
    if calls == call:
        os._exit(9)
    return result
setattr(owner, name, dies)
sys.argv = ["goldilocks", "run", *sys.argv[5:]]
from hpo.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "name", "call", "when"),
    [
        ("hpo.objective:", "save_checkpoint", 2, "after"),
        ("optuna:trial.Trial", "report", 2, "before"),
        ("optuna:trial.Trial", "report", 2, "after"),
        ("optuna:Study", "tell", 1, "before"),
        ("optuna:Study", "tell", 1, "after"),
        ("optuna:Study", "enqueue_trial", 1, "after"),
        ("optuna:Study", "ask", 2, "after"),
        ("optuna:trial.Trial", "suggest_float", 5, "after"),
        ("hpo.selection:", "export_backbone", 1, "after"),
    ],
)
def test_killed_between_two_writes_the_study_is_the_same_in_the_end(
    whole: Path, tmp_path: Path, target: str, name: str, call: int, when: str
) -> None:
    out = tmp_path / "study"
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            _KILL_AT,
            target,
            name,
            str(call),
            when,
            *tiny_arguments(out, **_OPTIONS),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    assert killed.returncode == 9, killed.stderr
    study = run_study(tiny(out, **_OPTIONS))
    database, undisturbed = out / "study.db", whole / "study.db"
    assert states(database) == states(undisturbed)
    assert parameters(database) == parameters(undisturbed)
    assert values(database) == values(undisturbed)
    assert study.user_attrs["choice"] == load(undisturbed).user_attrs["choice"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_stops_cleanly_and_says_how_to_go_on(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    process = start(tmp_path / "study")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("trial 0: running at epoch"):
            break
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert "everything finished is kept" in output
    assert f"--out {tmp_path / 'study'}" in output
    assert "Traceback" not in output
