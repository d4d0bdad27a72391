"""Real processes, started each way."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

import hpo
from hpo.workers.starting import ignore_signals, start, start_method, warm_up


def report_and_wait(connection: Connection) -> None:
    """Runs in the other process."""
    before = {signal.SIGINT, signal.SIGTERM} <= signal.pthread_sigmask(signal.SIG_BLOCK, [])
    ignore_signals()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
    after = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    connection.send(
        (before, set(after), sys.modules["__main__"].__name__ != "__main__", os.getpid())
    )
    connection.close()


def test_forked_from_a_server_except_on_cuda() -> None:
    assert start_method(on_cuda=False) == "forkserver"
    assert start_method(on_cuda=True) == "spawn"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_process_hears_no_signal_and_runs_no_script(method: str) -> None:
    main = sys.modules["__main__"]
    warm_up(method)
    ours, theirs = multiprocessing.Pipe()
    process = start(method, report_and_wait, theirs, name="somebody")
    theirs.close()
    before, after, ran_main, pid = ours.recv()
    process.join()
    ours.close()
    assert process.exitcode == 0
    assert (before, after, ran_main) == (True, set(), False)
    assert pid == process.pid != os.getpid()
    assert sys.modules["__main__"] is main
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & {signal.SIGINT, signal.SIGTERM}


SCRIPT = """
print("the script runs")
from hpo.config import load_config
from hpo.study import run_study

study = run_study(load_config(None, {options!r}))
print(len(study.trials), "trials by", sorted(t.user_attrs["worker"] for t in study.trials))
"""


@pytest.mark.slow
def test_a_script_without_a_main_guard_is_not_run_again(tmp_path: Path) -> None:
    from tests.hpo.studies import TINY

    options = {**TINY, "trials": 2, "epochs": 1, "workers": 2, "out": str(tmp_path / "s")}
    (tmp_path / "script.py").write_text(SCRIPT.format(options=options))
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(hpo.__file__).parent.parent),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "the script runs\n2 trials by [0, 1]\n", done.stderr
