"""A whole study described: what was chosen and why, and what older trials lack."""

from io import StringIO
from pathlib import Path

import optuna
import torch
from optuna.artifacts import get_all_artifact_meta
from rich.console import Console
from safetensors.torch import save_file

from hpo.dashboard import Describing, dashboard_command, describe_study
from hpo.dashboard.command import describe_out
from hpo.dashboard.notes import read_note, save_note
from hpo.dashboard.whole_study import describe_choice
from hpo.storage import StudyDirectory, load_study
from tests.hpo.dashboard.made import Lines, begin, end, made_study
from tests.hpo.recorded import choose


def old_study(out: Path) -> tuple[optuna.Study, StudyDirectory]:
    """One without notes or pictures; of its first two trials spectra can be had."""
    study, directory = made_study(out)
    end(begin(study), None)
    end(begin(study, spectra=False), None)
    end(begin(study, spectra=False), None, kind="collapse", reason="constant")
    end(begin(study, epochs=()), None, kind="error", reason="no memory")
    study.ask()
    (out / "features").mkdir()
    save_file({"features": torch.randn(99, 16)}, out / "features" / "trial-0001-0009.safetensors")
    choose(study, 1, [0, 1])
    return study, directory


def note(study: optuna.Study, trial_id: int | None) -> str:
    return read_note(study._storage.get_study_system_attrs(study._study_id), trial_id)


def test_an_old_study_gets_all_that_can_be_had(tmp_path: Path) -> None:
    study, directory = old_study(tmp_path)
    added = describe_study(study, directory)
    assert (added.n_notes, added.n_spectra, added.n_own, added.n_without) == (5, 2, 0, 1)
    assert len(list((tmp_path / "artifacts").iterdir())) == 2
    assert "trial 1: highest rankme" in note(study, None)
    chosen, collapsed = study.trials[1], study.trials[2]
    assert "**Chosen**: highest rankme" in note(study, chosen._trial_id)
    assert "/artifacts/" in note(study, chosen._trial_id)
    assert note(study, collapsed._trial_id).startswith("**collapsed** at epoch 9 of 9: constant")
    assert "Not shortlisted: place 9 of 9" in note(study, collapsed._trial_id)
    assert note(study, study.trials[4]._trial_id) == ""  # it is waiting or running


def test_again_adds_nothing(tmp_path: Path) -> None:
    study, directory = old_study(tmp_path)
    describe_study(study, directory)
    again = describe_study(study, directory)
    assert (again.n_notes, again.n_spectra) == (0, 0)
    assert len(list((tmp_path / "artifacts").iterdir())) == 2


def test_trials_that_were_described_as_they_ended_keep_their_picture(tmp_path: Path) -> None:
    study, directory = made_study(tmp_path)
    trial = begin(study)
    end(trial, Describing(study, directory))
    choose(study, 0, [0])
    added = describe_study(study, directory)
    assert (added.n_notes, added.n_spectra) == (2, 0)  # the study's, and the trial's was chosen
    assert len(get_all_artifact_meta(trial)) == 1


def test_a_persons_notes_are_counted_and_kept(tmp_path: Path) -> None:
    study, directory = old_study(tmp_path)
    key = f"dashboard:{study.trials[0]._trial_id}:note_str:0"
    study._storage.set_study_system_attr(study._study_id, key, "mine")
    assert describe_study(study, directory).n_own == 1
    assert note(study, study.trials[0]._trial_id) == "mine"


def test_the_objective_gives_the_value_its_name(tmp_path: Path) -> None:
    study, directory = old_study(tmp_path)
    describe_study(study, directory)
    assert study.metric_names == ["rankme"]


def test_a_study_without_a_choice_has_a_note_too(tmp_path: Path) -> None:
    study, directory = made_study(tmp_path)
    end(begin(study), None)
    describe_study(study, directory)
    assert "nothing yet" in note(study, None)


def test_what_goes_wrong_at_the_end_of_a_run_is_only_said(tmp_path: Path) -> None:
    study, directory = old_study(tmp_path)
    (tmp_path / "artifacts").write_text("a file where the folder should be")
    said = Lines()
    describe_choice(study, directory, said)
    assert len(said.lines) == 1
    assert "FileExistsError" in said.lines[0]


def test_the_command_adds_and_says_how_to_look(tmp_path: Path) -> None:
    _, directory = old_study(tmp_path / "a study")
    page = StringIO()
    describe_out(Console(file=page, width=60), directory.out)
    lines = page.getvalue().splitlines()
    assert lines[0] == "5 notes and 2 spectra added; of 1 trial nobody kept a spectrum."
    assert lines[1] == dashboard_command(directory)
    assert f"'{directory.out / 'artifacts'}'" in lines[1]  # quoted, for the shell
    assert note(load_study(directory), None) != ""


def test_the_notes_in_the_database_are_plain_attributes(tmp_path: Path) -> None:
    """Nothing of optuna-dashboard is needed to write them."""
    study, _ = made_study(tmp_path)
    assert save_note(study, None, "text") == "written"
    attrs = study._storage.get_study_system_attrs(study._study_id)
    assert set(attrs) == {"dashboard:note_ver", "dashboard:note_str:0"}
