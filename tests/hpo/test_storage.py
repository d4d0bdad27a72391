"""The study's directory: lock, record of what a study is, and what is said of damage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from hpo.errors import StorageError, StudyLockedError, StudyMismatchError
from hpo.interruption import Interrupted, StopFlag
from hpo.storage import StudyDirectory, check_same, load_study, open_storage, open_study


@pytest.fixture
def directory(tmp_path: Path) -> StudyDirectory:
    directory = StudyDirectory(tmp_path / "a" / "study")
    directory.prepare()
    return directory


def test_the_lock_of_a_killed_process_is_free_again(directory: StudyDirectory) -> None:
    code = (
        "import sys, time; from pathlib import Path; from hpo.storage import StudyDirectory\n"
        "with StudyDirectory(Path(sys.argv[1])).lock():\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(directory.out)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert directory.is_running()
    with pytest.raises(StudyLockedError, match="another process is running"), directory.lock():
        pass
    process.kill()
    process.communicate()
    assert not directory.is_running()
    with directory.lock():
        assert directory.is_running()


def test_a_full_disk_is_refused_before_anything_is_trained(directory: StudyDirectory) -> None:
    with pytest.raises(StorageError, match=r"MB are free .* wanted at least 1000000000000 MB"):
        directory.check_free(10**18)


def test_a_path_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file/study cannot be written"):
        StudyDirectory(tmp_path / "file" / "study").prepare()


def test_the_newest_checkpoint_is_the_one_to_go_on_from(directory: StudyDirectory) -> None:
    directory.checkpoints.mkdir()
    assert directory.newest_checkpoint(3) is None
    directory.checkpoint(3).touch()
    assert directory.newest_checkpoint(3) == directory.checkpoint(3)
    directory.between_rungs(3).touch()
    assert directory.newest_checkpoint(3) == directory.between_rungs(3)
    directory.forget(3)
    assert directory.newest_checkpoint(3) is None


def test_a_database_without_a_study_says_what_to_do(directory: StudyDirectory) -> None:
    open_storage(directory.database)
    with pytest.raises(StorageError, match="same `goldilocks run` command again"):
        load_study(directory)


def test_the_storage_waits_for_locks_and_keeps_a_heartbeat(directory: StudyDirectory) -> None:
    storage = open_storage(directory.database)
    assert storage.get_heartbeat_interval() == 60
    callback = storage.get_heartbeat_stale_trial_callback()
    assert isinstance(callback, optuna.storages.RetryHeartbeatStaleTrialCallback)
    assert storage.engine.dialect.name == "sqlite"
    with storage.engine.connect() as connection:
        timeout = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert timeout == 60_000


def test_differences_are_listed_with_both_values(directory: StudyDirectory) -> None:
    study = open_study(open_storage(directory.database), direction="maximize")
    check_same(study, {"method": "simclr", "epochs": 54})
    check_same(study, {"method": "simclr", "epochs": 54})
    with pytest.raises(StudyMismatchError) as caught:
        check_same(study, {"method": "simclr", "epochs": 9, "new": True})
    assert "epochs: the study has 54, this run 9" in str(caught.value)
    assert "new: the study has None, this run True" in str(caught.value)
    assert "method" not in str(caught.value)


def test_a_run_waits_for_the_workers_of_one_that_was_killed(directory: StudyDirectory) -> None:
    said: list[str] = []
    directory.wait_for_workers(said.append)
    assert said == []
    with directory.worker_lock(0), directory.worker_lock(3):
        with pytest.raises(StudyLockedError, match=r"worker\(s\) 0, 3 of an earlier run"):
            directory.wait_for_workers(said.append, seconds=0.3)
        with pytest.raises(Interrupted):
            directory.wait_for_workers(said.append, StopFlag("SIGINT").check)
    assert said == ["waiting for 2 worker(s) of an earlier run to end"]
    directory.wait_for_workers(said.append)
    assert len(said) == 1
