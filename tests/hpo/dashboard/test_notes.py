"""Notes: read by the dashboard's own function, never over a person's words."""

from pathlib import Path

import optuna
import pytest

from hpo.dashboard.notes import is_ours, marked, plain, read_note, save_note
from tests.hpo.recorded import recorded_study

dashboard = pytest.importorskip("optuna_dashboard")


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return recorded_study(tmp_path)


@pytest.mark.parametrize("text", ["short", "long " * 1000, "exactly" * 2045])
def test_the_dashboard_reads_what_is_written(study: optuna.Study, text: str) -> None:
    trial = study.ask()
    assert save_note(study, trial._trial_id, text) == "written"
    assert save_note(study, None, "of the study") == "written"
    assert dashboard.get_note(trial) == marked(text)
    assert dashboard.get_note(study) == marked("of the study")


def test_keys_and_versions_are_those_of_the_dashboard(tmp_path: Path) -> None:
    """Byte for byte: whatever changes there is seen here."""
    ours, theirs = recorded_study(tmp_path / "a"), recorded_study(tmp_path / "b")
    for text in ("first", "x" * 5000, "third"):
        save_note(ours, None, text)
        dashboard.save_note(theirs, marked(text))
        a, b = (s._storage.get_study_system_attrs(s._study_id) for s in (ours, theirs))
        assert a == b


def test_the_same_again_writes_nothing(study: optuna.Study) -> None:
    assert [save_note(study, None, "text") for _ in range(2)] == ["written", "same"]
    attrs = study._storage.get_study_system_attrs(study._study_id)
    assert attrs["dashboard:note_ver"] == 1


def test_a_shorter_note_leaves_nothing_of_the_longer_one(study: optuna.Study) -> None:
    save_note(study, None, "long " * 2000)
    save_note(study, None, "short")
    assert dashboard.get_note(study) == marked("short")


def test_what_a_person_wrote_stays(study: optuna.Study) -> None:
    trial = study.ask()
    dashboard.save_note(trial, "my own thoughts")
    assert save_note(study, trial._trial_id, "ours") == "theirs"
    assert dashboard.get_note(trial) == "my own thoughts"


def test_what_a_person_changed_stays(study: optuna.Study) -> None:
    save_note(study, None, "ours")
    dashboard.save_note(study, dashboard.get_note(study).replace("ours", "ours, and a thought"))
    assert save_note(study, None, "newer") == "theirs"
    assert "and a thought" in dashboard.get_note(study)


def test_a_note_that_a_person_emptied_is_written_again(study: optuna.Study) -> None:
    save_note(study, None, "ours")
    dashboard.save_note(study, "")
    assert save_note(study, None, "ours") == "written"


def test_notes_of_trials_are_apart(study: optuna.Study) -> None:
    """Trial 1's keys begin like trial 11's."""
    for trial_id in (1, 11):
        save_note(study, trial_id, f"note {trial_id}")
    attrs = study._storage.get_study_system_attrs(study._study_id)
    assert read_note(attrs, 1) == marked("note 1")
    assert read_note(attrs, 11) == marked("note 11")


def test_the_mark_knows_every_change() -> None:
    note = marked("a\nb")
    assert is_ours(note)
    assert is_ours(note + "\n")
    assert not is_ours("before " + note)
    assert not is_ours(note + " after")
    assert not is_ours("a\nb")


def test_plain_text_stays_in_its_cell() -> None:
    assert "\n" not in plain("a\nb")
    assert plain("|") == "\\|"
