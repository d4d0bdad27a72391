"""Checkpoints that all nodes reach, and where a trial goes on."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from hpo.checkpoint import load_checkpoint, save_checkpoint
from hpo.errors import ConfigError, StorageError
from hpo.ray_tune.checkpoint_store import FILE, CheckpointStore, load_state
from hpo.ray_tune.reports import Report
from hpo.ray_tune.resuming import RAY_CHECKPOINT, Handout, Resuming, collect_checkpoints
from hpo.storage import StudyDirectory

STATE = {"training": {"epoch": 6}, "rungs": {"2": {}, "6": {}}}
URLS = pytest.mark.parametrize("scheme", ["", "file://", "local://"])


@pytest.fixture
def directory(tmp_path: Path) -> StudyDirectory:
    directory = StudyDirectory(tmp_path / "s")
    directory.prepare()
    return directory


@pytest.fixture
def trial() -> optuna.Trial:
    return optuna.create_study().ask()


def written(store: CheckpointStore, name: str, epoch: int) -> str:
    """Write a checkpoint as Ray does; return its path on the store's file system."""
    path = Path(store.path) / name
    save_checkpoint(path / FILE, {**STATE, "training": {"epoch": epoch}})
    return str(path)


@URLS
def test_what_is_sent_is_what_is_fetched(scheme: str, tmp_path: Path) -> None:
    store, file = CheckpointStore(f"{scheme}{tmp_path}/shared"), tmp_path / "trial.pt"
    save_checkpoint(file, STATE)
    url = f"{store.url}/run/trial-0000"
    assert not store.exists(url)
    store.send(file, url)
    store.fetch(url, tmp_path / "there" / "again.pt")
    assert store.exists(url)
    assert CheckpointStore(url).exists(url)
    assert load_checkpoint(tmp_path / "there" / "again.pt") == STATE
    assert load_state(url) == STATE
    assert store.folders() == [f"{store.url}/run"]
    store.delete(f"{store.url}/run")
    store.delete(f"{store.url}/run")
    assert store.folders() == []
    with pytest.raises(StorageError, match="cannot be copied there"):
        store.fetch(url, tmp_path / "again.pt")


def test_a_store_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert CheckpointStore(str(tmp_path / "never")).folders() == []


def test_a_url_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^storage_path: got 'nowhere://x'"):
        CheckpointStore("nowhere://x")


def test_a_new_trial_begins_at_the_beginning(
    directory: StudyDirectory, trial: optuna.Trial, tmp_path: Path
) -> None:
    resuming = Resuming(CheckpointStore(str(tmp_path / "ray")), directory, "run")
    assert resuming.handout(trial) == Handout()


@URLS
def test_a_trial_goes_on_from_the_newest_checkpoint_that_ray_keeps(
    scheme: str, directory: StudyDirectory, trial: optuna.Trial, tmp_path: Path
) -> None:
    store = CheckpointStore(f"{scheme}{tmp_path}/ray")
    resuming = Resuming(store, directory, "run")
    at_rung = written(store, "run/a/1", 6)
    resuming.keep(trial, at_rung, Report("1", epoch=6, rung=6, rungs_measured=(2, 6)))
    later = written(store, "run/a/2", 7)
    resuming.keep(trial, later, Report("2", epoch=7, rungs_measured=(2, 6)))
    handout = resuming.handout(trial)
    assert (handout.epoch, handout.rungs) == (7, (2, 6))
    assert handout.url is not None
    assert load_state(handout.url)["training"] == {"epoch": 7}
    # Probes and the choice want the one of the last rung.
    assert load_checkpoint(directory.checkpoint(0))["training"] == {"epoch": 6}


def test_a_checkpoint_of_the_other_engine_is_sent_to_all_nodes(
    directory: StudyDirectory, trial: optuna.Trial, tmp_path: Path
) -> None:
    save_checkpoint(directory.checkpoint(0), STATE)
    handout = Resuming(CheckpointStore(str(tmp_path / "ray")), directory, "run").handout(trial)
    assert (handout.epoch, handout.rungs) == (6, (2, 6))
    assert handout.url == f"{tmp_path}/ray/run/sent/trial-0000"
    assert load_state(handout.url) == STATE


def test_a_checkpoint_that_is_gone_is_not_waited_for(
    directory: StudyDirectory, trial: optuna.Trial, tmp_path: Path
) -> None:
    kept = {"url": str(tmp_path / "gone"), "epoch": 6, "rungs": [2, 6]}
    trial.set_user_attr(RAY_CHECKPOINT, kept)
    resuming = Resuming(CheckpointStore(str(tmp_path / "ray")), directory, "run")
    assert resuming.handout(trial) == Handout()


def test_sweeping_leaves_only_what_running_trials_go_on_from(
    directory: StudyDirectory, tmp_path: Path
) -> None:
    study, store = optuna.create_study(), CheckpointStore(str(tmp_path / "ray"))
    resuming = Resuming(store, directory, "run")
    for number, folder in enumerate(["ended", "needed"]):
        path = written(store, f"{folder}/trial", 6)
        resuming.keep(study.ask(), path, Report(str(number), epoch=6, rungs_measured=(2, 6)))
    study.tell(0, 1.0)
    resuming.sweep(study)
    assert store.folders() == [f"{store.url}/needed"]


def test_another_engine_gets_what_the_cluster_left(
    directory: StudyDirectory, tmp_path: Path
) -> None:
    study, store = optuna.create_study(), CheckpointStore(str(tmp_path / "ray"))
    trial = study.ask()
    Resuming(store, directory, "run").keep(
        trial, written(store, "run/trial", 7), Report("1", epoch=7, rungs_measured=(2, 6))
    )
    collect_checkpoints(study, directory)
    newest = directory.newest_checkpoint(0)
    assert newest is not None
    assert load_checkpoint(newest)["training"] == {"epoch": 7}
    assert study.get_trials()[0].user_attrs[RAY_CHECKPOINT] is None
