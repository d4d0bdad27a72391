"""Real processes, really killed, and the same command again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from hpo.storage import StudyDirectory
from tests.hpo.studies import parameters, states, values
from tests.hpo.workers.commands import (
    read_until,
    session_of,
    start,
    wait_until_gone,
    workers_of,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc"),
]
BOTH_AT_WORK = ("trial 0: running at epoch 1", "trial 1: running at epoch 1")


def finishes_in_order(out: Path, before: list[tuple[int, int, float]]) -> str:
    """Give the command again, and see that nothing was lost, repeated or left running."""
    drawn = parameters(out / "study.db")
    process = start(out)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    database = out / "study.db"
    assert [number for number, _ in states(database)] == [0, 1, 2, 3]
    assert {state for _, state in states(database)} <= {"COMPLETE", "PRUNED"}
    after = values(database)
    assert set(before) <= set(after)
    assert len({(number, epoch) for number, epoch, _ in after}) == len(after)
    assert set(drawn) <= set(parameters(database))
    study = optuna.load_study(study_name="goldilocks", storage=f"sqlite:///{database}")
    for trial in study.trials:
        reached = {epoch for number, epoch, _ in after if number == trial.number}
        # Epochs that were trained twice would show: images are counted with the weights.
        rate, seconds = (trial.user_attrs[key] for key in ("images_per_second", "seconds"))
        n_epochs, rest = divmod(round(rate * seconds["train"]), 4 * 128)
        assert (n_epochs, rest) == (max(reached), 0)
    return output


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_to_all_stops_all_and_the_same_command_goes_on(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    out = tmp_path / "study"
    process = start(out)
    read_until(process, *BOTH_AT_WORK)
    everybody = session_of(process.pid)
    asked = time.monotonic()
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - asked < 15
    assert process.returncode == code, output
    assert "everything finished is kept" in output
    assert f"--out {out}" in output
    assert "Traceback" not in output
    assert wait_until_gone(everybody, 30) == []
    if number == signal.SIGINT:
        assert "RUNNING" in dict(states(out / "study.db")).values()
        said = finishes_in_order(out, values(out / "study.db"))
        assert "goes on where it was interrupted" in said


def test_the_trial_of_a_killed_worker_goes_on_in_another(tmp_path: Path) -> None:
    out = tmp_path / "study"
    process = start(out)
    read_until(process, *BOTH_AT_WORK)
    before = values(out / "study.db")
    first, _ = workers_of(process.pid)
    os.kill(first, signal.SIGKILL)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    died = [line for line in output.splitlines() if "its process died (killed by SIGKILL)" in line]
    assert len(died) == 1
    number = int(died[0].split()[1].rstrip(":"))
    assert f"trial {number}: goes on where it was interrupted" in output
    assert set(before) <= set(values(out / "study.db"))
    assert dict(states(out / "study.db"))[number] in ("COMPLETE", "PRUNED")
    finishes_in_order(out, before)


def test_killing_the_parent_leaves_no_process_and_the_same_command_goes_on(
    tmp_path: Path,
) -> None:
    out = tmp_path / "study"
    process = start(out)
    read_until(process, *BOTH_AT_WORK)
    workers, everybody = workers_of(process.pid), session_of(process.pid)
    assert len(workers) == 2
    assert set(workers) < set(everybody)
    before = values(out / "study.db")
    process.kill()
    process.wait()
    assert wait_until_gone(workers, 5) == []
    assert wait_until_gone(everybody, 30) == []
    process.communicate()
    assert not StudyDirectory(out).is_running()
    finishes_in_order(out, before)


def test_status_shows_what_all_workers_do(tmp_path: Path) -> None:
    out = tmp_path / "study"
    process = start(out, epochs=2000)  # so that neither ends before it is looked at
    read_until(process, "trial 0: running", "trial 1: running")
    shown = subprocess.run(
        [sys.executable, "-m", "hpo", "status", str(out)], capture_output=True, text=True
    )
    process.kill()
    process.communicate()
    rows = [line.split()[:2] for line in shown.stdout.splitlines()]
    assert ["0", "running"] in rows, shown.stdout + shown.stderr
    assert ["1", "running"] in rows
