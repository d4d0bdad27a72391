"""Methods of a user's own that fail, or kill the process they run in."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from hpo.errors import StorageError
from hpo.meter import session_seconds
from hpo.observer import Silent
from hpo.record import read_rows
from hpo.study import run_study
from hpo.trial_runner import TrialsFailedError
from hpo.workers.pool import WorkersDiedError
from tests.hpo.studies import states, tiny

pytestmark = pytest.mark.slow

METHOD = """
import multiprocessing, os, signal
from pathlib import Path
from hpo.errors import StorageError
from hpo.methods import METHODS, method
from search_spaces import Float

@method(temperature=Float(0.05, 1.0, default=0.2, log=True))
def mine(dim, *, temperature):
    worker = multiprocessing.parent_process() is not None
    default = temperature == 0.2
    here = Path({here!r})
    {body}
    return METHODS["simclr"](dim, temperature=temperature)
"""


class Notes(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def run(tmp_path: Path, body: str, **options: object) -> tuple[optuna.Study, list[str]]:
    file = tmp_path / "my_method.py"
    file.write_text(METHOD.format(here=str(tmp_path), body=body))
    notes = Notes()
    given = {"trials": 4, "epochs": 1, "workers": 2, "max_images": 500, **options}
    config = tiny(tmp_path / "s", method=f"{file}:mine", **given)
    return run_study(config, observer=notes), notes.lines


def stored(tmp_path: Path) -> optuna.Study:
    database = tmp_path / "s" / "study.db"
    return optuna.load_study(study_name="goldilocks", storage=f"sqlite:///{database}")


def test_the_reason_of_a_failed_trial_arrives(tmp_path: Path) -> None:
    study, notes = run(tmp_path, "if worker and default: raise RuntimeError('no luck today')")
    assert [s for _, s in states(tmp_path / "s" / "study.db")] == ["FAIL"] + 3 * ["COMPLETE"]
    assert read_rows(study, running=False)[0].reason == "RuntimeError: no luck today"
    assert "trial 0: failed: RuntimeError: no luck today" in notes


def test_want_of_memory_fails_one_trial_only(tmp_path: Path) -> None:
    study, notes = run(tmp_path, "if worker and default: raise MemoryError")
    assert [s for _, s in states(tmp_path / "s" / "study.db")] == ["FAIL"] + 3 * ["COMPLETE"]
    assert read_rows(study, running=False)[0].reason == "MemoryError"
    assert "trial 0: failed: MemoryError" in notes


def test_three_failures_in_a_row_end_the_study(tmp_path: Path) -> None:
    with pytest.raises(TrialsFailedError, match=r"3 trials in a row .* RuntimeError: never"):
        run(tmp_path, "if worker: raise RuntimeError('never')", trials=20)
    found = [state for _, state in states(tmp_path / "s" / "study.db")]
    assert found.count("FAIL") in (3, 4)
    assert len(found) <= 5


def test_what_no_worker_can_mend_is_raised_as_it_would_be_without_workers(tmp_path: Path) -> None:
    body = "if worker: raise StorageError('disk full') from OSError('no space')"
    with pytest.raises(StorageError, match="disk full") as caught:
        run(tmp_path, body)
    assert "in worker" in caught.value.__notes__[0]
    assert "in mine" in caught.value.__notes__[0]
    assert isinstance(caught.value.__cause__, OSError)
    assert "COMPLETE" not in dict(states(tmp_path / "s" / "study.db")).values()


def test_workers_that_always_die_end_the_study(tmp_path: Path) -> None:
    with pytest.raises(WorkersDiedError, match=r"3 in a row died .* SIGKILL.*fewer\s+--workers"):
        run(tmp_path, "if worker: os.kill(os.getpid(), signal.SIGKILL)")
    assert {state for _, state in states(tmp_path / "s" / "study.db")} <= {"RUNNING", "FAIL"}


def test_a_trial_that_kills_three_processes_fails_and_the_others_go_on(tmp_path: Path) -> None:
    # It dies only after others have finished in between, so that the deaths are not in a row.
    body = """
    import time
    if worker and default:
        deaths = len(list(here.glob("death-*")))
        (here / f"death-{deaths}").touch()
        while len(list(here.glob("done-*"))) < 2 * deaths + 2:
            time.sleep(0.05)
        os._exit(3)
    if worker:
        (here / f"done-{len(list(here.glob('done-*')))}").touch()
    """.strip()
    study, notes = run(tmp_path, body, trials=9)
    rows = read_rows(study, running=False)
    assert rows[0].state == "failed"
    assert rows[0].reason == "3 processes died running it, the last exit code 3"
    assert [row.state for row in rows[1:]] == ["finished"] * 8
    assert sum("trial 0: its process died (exit code 3)" in line for line in notes) == 2


def test_the_budget_of_several_workers_is_wall_time(tmp_path: Path) -> None:
    config = tiny(tmp_path / "s", trials=None, budget="60s", epochs=900, prune=False, workers=2)
    notes = Notes()
    study = run_study(config, observer=notes)
    rows = read_rows(study, running=False)
    assert [row.state for row in rows] == ["out of budget"] * 2
    assert all("budget is spent" in row.reason for row in rows)
    assert session_seconds(study.user_attrs) < 75
    assert sum(line.startswith("search: ") for line in notes.lines) == 1
    assert sum("no trial will finish" in line for line in notes.lines) <= 1
