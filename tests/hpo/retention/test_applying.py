"""Retention on real files beside real studies in SQLite."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import optuna
import pytest

from hpo.config import StudyConfig
from hpo.errors import ConfigError
from hpo.record import read_rows
from hpo.retention import apply_retention, choice_is_made
from hpo.storage import StudyDirectory, load_study
from tests.hpo.recorded import add_files, add_trial, choose, files, recorded_study


@pytest.fixture
def directory(tmp_path: Path) -> StudyDirectory:
    return StudyDirectory(tmp_path / "s")


@pytest.fixture
def study(directory: StudyDirectory) -> optuna.Study:
    return recorded_study(directory.out)


def config(directory: StudyDirectory, **options: object) -> StudyConfig:
    return StudyConfig(out=directory.out, epochs=9, **options)  # type: ignore[arg-type]


def names(*numbers: int) -> set[str]:
    return {f"trial-{number:04d}.pt" for number in numbers}


def test_a_study_without_checkpoints_is_left_alone(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    add_trial(study, "finished")
    apply_retention(study, directory, config(directory))
    assert not directory.checkpoints.exists()


def test_while_a_study_runs_only_what_is_over_loses_its_files(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    for end in ("finished", "halving", "collapse", "failed", None, "finished"):
        add_trial(study, end, epoch=9 if end == "finished" else 3)
    add_trial(study, "finished", moved=0.0)  # never to be chosen, however good it looks
    add_files(directory, list(range(7)))
    between, partial = directory.between_rungs(4), directory.checkpoint(4).with_suffix(".partial")
    for path in (between, partial, directory.between_rungs(0)):
        path.write_bytes(b"x")
    (directory.checkpoints / "trial-mine.pt").write_bytes(b"somebody else's")
    (directory.checkpoints / "trial-0099.pt").write_bytes(b"of no trial")
    plan = apply_retention(study, directory, config(directory, keep=1))
    assert files(directory) == {
        *names(0, 4, 5, 99), between.name, partial.name, "trial-mine.pt",
    }  # fmt: skip
    reasons = {file.path.name: file.reason for file in plan.delete}
    assert reasons["trial-0002.pt"] == "collapsed"
    assert "has not moved" in reasons["trial-0006.pt"]
    assert reasons["trial-0000.between.pt"].startswith("the trial has ended")


def test_after_the_choice_the_chosen_the_shortlist_and_the_best_stay(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    for number in range(8):
        add_trial(study, "finished", objective=float(number), alpha=2.0 - 0.1 * (number == 2))
    choose(study, 2, [2, 0])
    add_files(directory, list(range(8)))
    apply_retention(study, directory, config(directory, keep=2), choosing=False)
    assert files(directory) == names(0, 2, 6, 7)
    again = apply_retention(study, directory, config(directory, keep=2), choosing=False)
    assert again.delete == ()


def test_the_search_goes_on_and_everything_new_stays_until_the_next_choice(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    for number in range(4):
        add_trial(study, "finished", objective=9.0 - number)
    choose(study, 0, [0])
    assert choice_is_made(read_rows(study, running=False), study.user_attrs)
    add_files(directory, list(range(4)))
    apply_retention(study, directory, config(directory, keep=1), choosing=False)
    add_trial(study, "finished", objective=0.0)
    add_files(directory, [4])
    assert not choice_is_made(read_rows(study, running=False), study.user_attrs)
    apply_retention(study, directory, config(directory, keep=1))
    assert files(directory) == names(0, 4)


def test_a_study_that_was_interrupted_has_not_made_its_choice(study: optuna.Study) -> None:
    add_trial(study, "finished")
    assert not choice_is_made(read_rows(study, running=False), study.user_attrs)
    choose(study, 0, [0])
    add_trial(study, None)
    assert not choice_is_made(read_rows(study, running=False), study.user_attrs)


def test_the_quota_is_in_gib_and_the_direction_is_the_studys(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    for number in range(3):
        add_trial(study, "finished", objective=float(number))
    add_files(directory, [0, 1, 2], n_bytes=2**20)
    apply_retention(study, directory, config(directory, checkpoint_gib=2 / 1024))
    assert files(directory) == names(1, 2)
    with pytest.raises(
        ConfigError, match=r"^checkpoint_gib: got 0\.0004883; wanted at least 0\.00"
    ):
        apply_retention(study, directory, config(directory, checkpoint_gib=0.5 / 1024))
    assert files(directory) == names(1, 2)


def _clean_again_and_again(out: Path) -> None:
    directory = StudyDirectory(out)
    study = load_study(directory)
    for _ in range(10):
        apply_retention(study, directory, config(directory, keep=1), choosing=False)


@pytest.mark.slow
def test_several_processes_may_clean_at_once(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    for number in range(30):
        add_trial(study, "finished" if number % 2 else "collapse", objective=float(number))
    add_files(directory, list(range(30)))
    context = multiprocessing.get_context("spawn")
    crowd = [
        context.Process(target=_clean_again_and_again, args=(directory.out,)) for _ in range(2)
    ]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(60)
    assert [process.exitcode for process in crowd] == [0, 0]
    assert files(directory) == names(29)


def test_a_file_that_vanishes_while_it_is_looked_at_is_no_error(
    study: optuna.Study, directory: StudyDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_trial(study, "collapse")
    add_trial(study, "finished")
    add_files(directory, [0, 1])
    unlink = Path.unlink

    def twice(path: Path, missing_ok: bool = False) -> None:
        unlink(path)  # as another process would have, a moment earlier
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", twice)
    apply_retention(study, directory, config(directory))
    assert files(directory) == names(1)
