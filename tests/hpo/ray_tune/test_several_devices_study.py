"""Whole studies on a cluster, each trial on two devices: two Gloo processes on the processor."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from hpo.study import run_study
from tests.hpo.ray_tune.own_cluster import cluster, is_agent, own_home
from tests.hpo.ray_tune.test_engine import Watching
from tests.hpo.studies import parameters, states, tiny, values
from tests.hpo.workers.commands import read_until, session_of, start, wait_until_gone

pytestmark = [pytest.mark.ray, pytest.mark.slow]

OPTIONS: dict[str, Any] = {
    "trials": 2,
    "epochs": 3,
    "batch_size": 64,
    "max_images": 500,
    "workers": 1,
    "devices": 2,
    "device": "cpu",
}

# The second device's process ends itself once the trial has a checkpoint.
METHOD = """
import multiprocessing, os, signal, threading, time
from pathlib import Path
from hpo.methods import METHODS, method
from search_spaces import Float

@method(temperature=Float(0.05, 1.0, default=0.2, log=True))
def mine(dim, *, temperature):
    here = Path({here!r})
    def watch():
        while not (here / "s" / "checkpoints" / "trial-0000.pt").exists():
            time.sleep(0.01)
        (here / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if multiprocessing.parent_process() is not None and not (here / "died").exists():
        threading.Thread(target=watch, daemon=True).start()
    return METHODS["simclr"](dim, temperature=temperature)
"""


@pytest.fixture(scope="module")
def by_optuna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("by_optuna") / "s"
    run_study(tiny(out, **OPTIONS))
    return out


@pytest.fixture
def home() -> Iterator[Path]:
    with own_home() as folder:
        yield folder


def same(one: Path, other: Path) -> None:
    a, b = one / "study.db", other / "study.db"
    assert states(a) == states(b)
    assert parameters(a) == parameters(b)
    assert values(a) == values(b)


def test_a_driver_killed_in_the_middle_leaves_no_process_and_the_same_study(
    by_optuna: Path, tmp_path: Path, home: Path
) -> None:
    out = tmp_path / "s"
    with start(out, engine="ray", **OPTIONS) as process:
        read_until(process, "trial 0: running at epoch 1")
        started = session_of(process.pid)
        process.send_signal(signal.SIGKILL)
    assert len(started) > 2
    with start(out, engine="ray", **OPTIONS) as process:
        output, _ = process.communicate(timeout=500)
    assert process.returncode == 0, output
    assert "trial 0: goes on where it was interrupted" in output
    same(out, by_optuna)
    # Ray's agents wait for a minute; `test_driver_killed` sees them go too.
    assert wait_until_gone([p for p in started if not is_agent(p)], 10) == []


def test_a_device_that_is_lost_in_the_middle_is_replaced_and_the_trial_goes_on(
    by_optuna: Path, tmp_path: Path
) -> None:
    file, watching = tmp_path / "my_method.py", Watching()
    file.write_text(METHOD.format(here=str(tmp_path)))
    given = OPTIONS | {"trials": 1, "epochs": 9, "method": f"{file}:mine"}
    with cluster(num_cpus=3):
        seen: list[float] = []
        watching.epoch = lambda *said: seen.append(  # type: ignore[method-assign]
            ray.available_resources().get("CPU", 0.0)
        )
        study = run_study(tiny(tmp_path / "s", engine="ray", **given), observer=watching)
    assert (tmp_path / "died").exists()
    assert [s for _, s in states(tmp_path / "s" / "study.db")] == ["COMPLETE"]
    died = [line for line in watching.lines if "its process died" in line]
    assert len(died) == 1
    assert "device 1: its process ended unexpectedly (exit code -9)" in died[0]
    assert study.trials[0].user_attrs["spent"]["epochs"] >= 8.99
    assert set(seen) == {1.0}  # a trial has two of the three cores
