"""Trials that fail, and processes that die, on a real Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from hpo.errors import StorageError
from hpo.record import read_rows
from hpo.study import run_study
from tests.hpo.ray_tune.own_cluster import cluster
from tests.hpo.ray_tune.test_engine import Watching
from tests.hpo.studies import states, tiny, values

pytestmark = pytest.mark.slow

METHOD = """
import os, signal
from pathlib import Path
from hpo.errors import StorageError
from hpo.methods import METHODS, method
from search_spaces import Float

@method(temperature=Float(0.05, 1.0, default=0.2, log=True))
def mine(dim, *, temperature):
    worker = os.getpid() != {driver}
    default = temperature == 0.2
    here = Path({here!r})
    made = METHODS["simclr"](dim, temperature=temperature)
    {body}
    return made
"""

# Python's own error in trial 0, torch's in trial 1, for more than any machine has.
TOO_LARGE = """
    if worker and default:
        bytearray(2**62)
    if worker and not (here / "tried").exists():
        (here / "tried").touch()
        import torch
        torch.empty(2**60, dtype=torch.uint8)
"""

KILLED_AFTER_A_RUNG = """
    def watch():
        import time
        while not (here / "s" / "checkpoints" / "trial-0000.pt").exists():
            time.sleep(0.01)
        (here / "died").write_text("died")
        os.kill(os.getpid(), signal.SIGKILL)
    if worker and default and not (here / "died").exists():
        import threading
        threading.Thread(target=watch, daemon=True).start()
"""


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    with cluster(num_cpus=2):
        yield


def run(tmp_path: Path, body: str, **options: Any) -> tuple[optuna.Study, list[str]]:
    file = tmp_path / "my_method.py"
    file.write_text(METHOD.format(here=str(tmp_path), driver=os.getpid(), body=body))
    watching = Watching()
    given = {"trials": 3, "epochs": 3, "max_images": 500, **options}
    config = tiny(tmp_path / "s", engine="ray", method=f"{file}:mine", **given)
    return run_study(config, observer=watching), watching.lines


def test_trials_that_need_too_much_memory_fail_with_the_reason_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    study, notes = run(tmp_path, TOO_LARGE, trials=4, workers=2, prune=False)
    assert [s for _, s in states(tmp_path / "s" / "study.db")] == 2 * ["FAIL"] + 2 * ["COMPLETE"]
    first, second, *_ = read_rows(study, running=False)
    assert first.reason == "MemoryError"
    assert second.reason.startswith("RuntimeError: ")
    assert "DefaultCPUAllocator: can't allocate memory" in second.reason
    assert "trial 0: failed: MemoryError" in notes


def test_a_trial_whose_process_is_killed_goes_on_as_if_nothing_had_happened(
    tmp_path: Path,
) -> None:
    study, notes = run(tmp_path, KILLED_AFTER_A_RUNG, epochs=9, trials=2)
    whole = tmp_path / "whole"
    whole.mkdir()
    run(whole, "pass", epochs=9, trials=2)
    assert (tmp_path / "died").exists()
    assert sum("trial 0: its process died" in line for line in notes) == 1
    assert states(tmp_path / "s" / "study.db") == states(whole / "s" / "study.db")
    assert values(tmp_path / "s" / "study.db") == values(whole / "s" / "study.db")
    assert study.trials[0].user_attrs["spent"]["epochs"] >= 8.99


def test_a_trial_that_kills_its_process_every_time_fails_with_the_reason(tmp_path: Path) -> None:
    body = "if worker and default: os.kill(os.getpid(), signal.SIGKILL)"
    study, notes = run(tmp_path, body)
    assert [s for _, s in states(tmp_path / "s" / "study.db")] == ["FAIL", *2 * ["COMPLETE"]]
    assert sum("trial 0: its process died" in line for line in notes) == 3
    reason = read_rows(study, running=False)[0].reason
    assert reason.startswith("its process died: The actor died")
    assert reason.endswith("(3 times: given up)")


def test_what_no_worker_can_mend_is_raised_as_it_would_be_without_ray(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="disk full") as caught:
        run(tmp_path, "if worker: raise StorageError('disk full')")
    assert "in the worker of trial 0" in caught.value.__notes__[0]
    assert [s for _, s in states(tmp_path / "s" / "study.db")] == ["RUNNING"]
