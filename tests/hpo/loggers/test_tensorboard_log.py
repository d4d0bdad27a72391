"""TensorBoard: real event files, read back by its own reader."""

from pathlib import Path
from typing import Any

import pytest

from hpo.loggers import KeepingUp, open_loggers
from hpo.storage import StudyDirectory
from tests.hpo.dashboard.made import begin, end, made_study

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def read(folder: Path) -> Any:
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return events


def session(study: Any, directory: StudyDirectory) -> None:
    (logger,) = open_loggers(["tensorboard"], directory, "a")
    KeepingUp(study, logger).sync()
    logger.close()


def test_a_trial_is_a_run_with_its_measures_by_epoch(tmp_path: Path) -> None:
    study, directory = made_study(tmp_path)
    end(begin(study), None, kind="halving", reason="behind at epoch 9")
    session(study, directory)
    events = read(tmp_path / "tensorboard" / "trial-0000")
    assert [(e.step, e.value) for e in events.Scalars("rankme")] == [(1, 6.0), (3, 8.0), (9, 14.0)]
    assert [e.step for e in events.Scalars("ssl_loss")] == [1, 3, 9]
    assert [(e.step, e.value) for e in events.Scalars("final/rankme")] == [(9, 14.0)]
    text = events.Tensors("outcome/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "**state**: pruned" in text
    assert "**reason**: behind at epoch 9" in text


def test_hyperparameters_stand_beside_the_figures_of_the_same_run(tmp_path: Path) -> None:
    study, directory = made_study(tmp_path)
    trial = begin(study)
    end(trial, None)
    session(study, directory)
    content = read(tmp_path / "tensorboard" / "trial-0000").summary_metadata
    assert {"_hparams_/experiment", "_hparams_/session_start_info"} <= set(content)
    assert [p.name for p in (tmp_path / "tensorboard").iterdir()] == ["trial-0000"]


def test_another_session_adds_to_the_run_and_repeats_nothing(tmp_path: Path) -> None:
    study, directory = made_study(tmp_path)
    trial = begin(study, epochs=(1,))
    session(study, directory)
    trial.set_user_attr("rung/3", {"rankme": 8.0})
    trial.report(8.0, step=3)
    session(study, directory)
    session(study, directory)
    events = read(tmp_path / "tensorboard" / "trial-0000")
    assert [(e.step, e.value) for e in events.Scalars("rankme")] == [(1, 6.0), (3, 8.0)]


def test_a_folder_that_was_deleted_is_written_again(tmp_path: Path) -> None:
    import shutil

    study, directory = made_study(tmp_path)
    trial = begin(study, epochs=(1, 3))
    session(study, directory)
    shutil.rmtree(tmp_path / "tensorboard")
    end(trial, None)
    session(study, directory)
    events = read(tmp_path / "tensorboard" / "trial-0000")
    assert [e.step for e in events.Scalars("rankme")] == [1, 3]
