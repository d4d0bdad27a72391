"""What Tune tells the driver beside results: checkpoints, and the question whether to stop."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from ray.tune import Checkpoint
from ray.tune.experiment import Trial

from hpo.checkpoint import load_checkpoint, save_checkpoint
from hpo.errors import StorageError
from hpo.interruption import Interrupted
from hpo.ray_tune.checkpoint_store import FILE
from hpo.ray_tune.hooks import CheckpointHook, StudyStopper
from hpo.ray_tune.reports import REPORT, Report
from hpo.ray_tune.resuming import RAY_CHECKPOINT
from tests.hpo.ray_tune.driven import Driven

AT_A_RUNG = Report("1", epoch=2, rung=2, rungs_measured=(2,))


@pytest.fixture
def driven(tmp_path: Path) -> Driven:
    made = Driven(tmp_path, epochs=6, trials=1)
    assert made.suggest() == 0
    return made


def tell(driven: Driven, folder: Path, report: Report) -> None:
    """Tell the driver of a checkpoint as Tune does."""
    trial = Trial("stub", config={"number": 0}, trial_id="ray-0", stub=True)
    trial.run_metadata.last_result = {REPORT: report}
    hook = CheckpointHook(driven.driver)
    hook.on_checkpoint(1, [trial], trial, Checkpoint(str(folder)))


def test_a_checkpoint_is_known_to_the_study_before_ray_deletes_the_one_before(
    driven: Driven, tmp_path: Path
) -> None:
    folder = tmp_path / "ray" / "experiment" / "trial-0000" / "checkpoint_000000"
    save_checkpoint(folder / FILE, {"training": {"epoch": 2}, "rungs": {"2": {}}})
    tell(driven, folder, AT_A_RUNG)
    kept = driven.study.get_trials()[0].user_attrs[RAY_CHECKPOINT]
    assert kept == {"url": str(folder), "epoch": 2, "rungs": [2]}
    assert load_checkpoint(driven.directory.checkpoint(0))["training"] == {"epoch": 2}
    assert not StudyStopper(driven.driver).stop_all()


def test_a_checkpoint_that_cannot_be_kept_stops_everything(driven: Driven, tmp_path: Path) -> None:
    tell(driven, tmp_path / "ray" / "never-written", AT_A_RUNG)
    assert isinstance(driven.driver.error, StorageError)
    assert StudyStopper(driven.driver).stop_all()
    assert RAY_CHECKPOINT not in driven.study.get_trials()[0].user_attrs


def test_the_stopper_stops_all_when_somebody_asked_and_never_one_trial(driven: Driven) -> None:
    stopper = StudyStopper(driven.driver)
    assert not stopper.stop_all()
    driven.flag.signal_name = "SIGINT"
    assert not stopper("ray-0", {REPORT: AT_A_RUNG, "done": True})
    assert stopper.stop_all()
    assert isinstance(driven.driver.error, Interrupted)


@pytest.mark.parametrize("hook", [CheckpointHook, StudyStopper])
def test_tune_may_copy_and_save_a_hook_and_gets_no_state(
    hook: type[CheckpointHook | StudyStopper], driven: Driven
) -> None:
    made = hook(driven.driver)
    assert copy.deepcopy(made) is made
    assert pickle.loads(pickle.dumps(made)) == f"a {hook.__name__} of a driver that has ended"
