"""The command with --engine ray as a process of its own, really killed, and given again."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path

import pytest

from hpo.study import run_study
from tests.hpo.studies import parameters, states, tiny, values
from tests.hpo.workers.commands import read_until, session_of, start, wait_until_gone

pytestmark = pytest.mark.slow

OPTIONS = {"trials": 3, "epochs": 9, "batch_size": 128, "max_images": 700, "workers": 1}


def test_a_killed_driver_leaves_no_process_and_the_same_command_ends_the_same_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("HOME", folder)
        monkeypatch.setenv("RAY_TMPDIR", folder)
        out = tmp_path / "s"
        with start(out, engine="ray", **OPTIONS) as process:
            read_until(process, "trial 0: running at epoch 3")
            started = session_of(process.pid)
            process.send_signal(signal.SIGKILL)
        # Two agents of Ray's wait for a minute whether what they belong to comes back.
        assert wait_until_gone([p for p in started if not _is_agent(p)], 10) == []
        with start(out, engine="ray", **OPTIONS) as process:
            output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        assert "trial 0: goes on where it was interrupted" in output
        assert "Traceback" not in output
        assert wait_until_gone(started, 120) == []
        run_study(tiny(tmp_path / "whole", **OPTIONS))
        database, undisturbed = out / "study.db", tmp_path / "whole" / "study.db"
        assert states(database) == states(undisturbed)
        assert parameters(database) == parameters(undisturbed)
        assert values(database) == values(undisturbed)
        assert list((out / "ray").iterdir()) == []


def _is_agent(pid: int) -> bool:
    try:
        return b"Agent" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
