"""The command with --engine ray, a process of its own: stopped, really killed, given again."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest

from hpo.study import run_study
from tests.hpo.ray_tune.own_cluster import is_agent
from tests.hpo.studies import parameters, states, tiny, values
from tests.hpo.workers.commands import read_until, session_of, start, wait_until_gone

pytestmark = pytest.mark.slow

OPTIONS = {"trials": 3, "epochs": 9, "batch_size": 128, "max_images": 700, "workers": 1}


def test_ctrl_c_and_a_kill_leave_no_process_and_the_same_command_ends_the_same_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("HOME", folder)
        monkeypatch.setenv("RAY_TMPDIR", folder)
        out = tmp_path / "s"
        with start(out, engine="ray", no_prune=True, **OPTIONS) as process:
            read_until(process, "trial 0: running at epoch 3")
            started, asked = session_of(process.pid), time.monotonic()
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all that it can reach
            output, _ = process.communicate(timeout=60)
        assert time.monotonic() - asked < 30
        assert process.returncode == 130, output
        assert "everything finished is kept" in output
        assert f"--out {out}" in output
        assert "Traceback" not in output
        assert wait_until_gone(started, 10) == []
        with start(out, engine="ray", no_prune=True, **OPTIONS) as process:
            said = read_until(process, "trial 1: running at epoch 3")
            started = session_of(process.pid)
            process.send_signal(signal.SIGKILL)
        assert "trial 0: goes on where it was interrupted\n" in said
        assert "trial 0: running at epoch 1\n" not in said
        # Two agents of Ray's wait for a minute whether what they belong to comes back.
        assert wait_until_gone([p for p in started if not is_agent(p)], 10) == []
        with start(out, engine="ray", no_prune=True, **OPTIONS) as process:
            output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        assert "trial 1: goes on where it was interrupted" in output
        assert "Traceback" not in output
        run_study(tiny(tmp_path / "whole", prune=False, **OPTIONS))
        database, undisturbed = out / "study.db", tmp_path / "whole" / "study.db"
        assert states(database) == states(undisturbed)
        assert parameters(database) == parameters(undisturbed)
        assert values(database) == values(undisturbed)
        assert list((out / "ray").iterdir()) == []
        assert wait_until_gone(started, 120) == []
