"""Trials as they end: a picture, sortable numbers, a note; what goes wrong there ends none."""

import time
from pathlib import Path

import optuna
import pytest
from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta
from optuna.trial import TrialState

from hpo.dashboard import Describing
from hpo.dashboard.notes import read_note
from hpo.interruption import Interrupted
from hpo.storage import StudyDirectory
from tests.hpo.dashboard.made import Lines, begin, end, made_study


def note_of(study: optuna.Study, number: int) -> str:
    attrs = study._storage.get_study_system_attrs(study._study_id)
    return read_note(attrs, study.trials[number]._trial_id)


@pytest.fixture
def made(tmp_path: Path) -> tuple[optuna.Study, StudyDirectory]:
    return made_study(tmp_path)


def test_optuna_lists_the_spectrum_among_the_trials_artifacts(
    made: tuple[optuna.Study, StudyDirectory],
) -> None:
    study, directory = made
    trial = begin(study)
    end(trial, Describing(study, directory))
    (meta,) = get_all_artifact_meta(trial)
    assert (meta.filename, meta.mimetype) == ("spectrum-0009.svg", "image/svg+xml")
    store = FileSystemArtifactStore(directory.out / "artifacts")
    with store.open_reader(meta.artifact_id) as file:
        picture = file.read().decode()
    assert "trial 0, epoch 9 (grey: 1, 3)" in picture
    assert "α = 1.00" in picture
    # The note shows it where the dashboard serves it.
    assert f"(/artifacts/{study._study_id}/{trial._trial_id}/{meta.artifact_id})" in note_of(
        study, 0
    )


def test_an_attempt_that_died_before_the_end_leaves_one_picture(
    made: tuple[optuna.Study, StudyDirectory],
) -> None:
    study, directory = made
    trial = begin(study)
    Describing(study, directory).ending(trial)
    end(trial, Describing(study, directory))
    assert len(get_all_artifact_meta(trial)) == 1


def test_the_note_says_how_and_why_and_what_was_measured(
    made: tuple[optuna.Study, StudyDirectory],
) -> None:
    study, directory = made
    why = "few dimensions | rank 2 of *64*"
    end(begin(study, epochs=(1, 3)), Describing(study, directory), kind="collapse", reason=why)
    note = note_of(study, 0)
    assert note.startswith(r"**collapsed** at epoch 3 of 9: few dimensions \| rank 2 of \*64\*")
    assert "| epoch | 1 | 3 |" in note
    assert "| **rankme** | 6 | 8 |" in note
    assert "| α (backbone) | 1 | 1 |" in note


def test_constraints_are_mirrored_where_a_dashboard_reads(
    made: tuple[optuna.Study, StudyDirectory],
) -> None:
    study, directory = made
    end(begin(study), Describing(study, directory), kind="collapse", reason="constant")
    end(begin(study, alpha=1.3), Describing(study, directory))
    collapsed, finished = study.trials
    assert collapsed.user_attrs["constraint/collapse"] == collapsed.constraints["collapse"] == 1.0
    assert collapsed.user_attrs["collapse"] == "constant"
    assert "constraint/collapse" not in finished.user_attrs
    assert (finished.user_attrs["alpha_req"], finished.user_attrs["moved"]) == (1.3, 0.5)


def test_a_trial_without_a_rung_gets_a_note_and_no_picture(
    made: tuple[optuna.Study, StudyDirectory],
) -> None:
    study, directory = made
    trial = begin(study, epochs=())
    end(trial, Describing(study, directory), kind="error", reason="RuntimeError: no memory")
    assert note_of(study, 0).startswith("**failed**: RuntimeError: no memory")
    assert get_all_artifact_meta(trial) == []


def test_a_replicate_says_what_it_repeats(made: tuple[optuna.Study, StudyDirectory]) -> None:
    study, directory = made
    end(begin(study), Describing(study, directory))
    trial = begin(study)
    trial.set_user_attr("replicate_of", 0)
    trial.set_user_attr("seed", 77)
    end(trial, Describing(study, directory))
    assert "Trial 0 again under seed 77" in note_of(study, 1)


def test_what_cannot_be_drawn_is_said_once_and_the_trials_end(
    made: tuple[optuna.Study, StudyDirectory],
) -> None:
    study, directory = made
    (directory.out / "artifacts").write_text("a file where the folder should be")
    said = Lines()
    describing = Describing(study, directory, said)
    for _ in range(3):
        end(begin(study), describing)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3
    (line,) = said.lines
    assert "FileExistsError" in line
    assert "goldilocks dashboard" in line
    assert note_of(study, 2).startswith("**finished**")  # notes need no folder


def test_a_spectrum_of_zeros_is_no_trouble(made: tuple[optuna.Study, StudyDirectory]) -> None:
    study, directory = made
    trial, said = begin(study, spectra=False), Lines()
    record = {"eigenvalues": [0.0, 0.0], "ranks": [], "n_ranks": 2}
    trial.set_user_attr("spectrum/9", record)
    end(trial, Describing(study, directory, said), kind="collapse", reason="constant")
    assert said.lines == []
    assert get_all_artifact_meta(trial) == []


def test_an_interruption_is_none_of_its_business(
    made: tuple[optuna.Study, StudyDirectory], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is waited for asks whether somebody wants to stop."""
    study, directory = made
    trial = begin(study)

    def stop(*_: object, **__: object) -> None:
        raise Interrupted("SIGINT")

    monkeypatch.setattr(study._storage, "set_study_system_attr", stop)
    with pytest.raises(Interrupted):
        end(trial, Describing(study, directory))


def test_describing_a_trial_takes_milliseconds(made: tuple[optuna.Study, StudyDirectory]) -> None:
    study, directory = made
    seconds = []
    for _ in range(5):
        trial, described, bare = begin(study), Describing(study, directory), begin(study)
        started = time.process_time()
        end(bare, None)
        between = time.process_time()
        end(trial, described)
        seconds.append(time.process_time() - between - (between - started))
    assert sorted(seconds)[2] < 0.1  # 10 ms on an idle core; four commits of SQLite among them
