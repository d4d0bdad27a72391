"""`goldilocks clean`: what it lists, what it deletes, and when it refuses."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from typer.testing import CliRunner, Result

from hpo.cli import app
from hpo.storage import StudyDirectory
from tests.hpo.recorded import add_files, add_trial, choose, files, recorded_study


def clean(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["clean", *(str(argument) for argument in arguments)])


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    return result.stderr


@pytest.fixture
def directory(tmp_path: Path) -> StudyDirectory:
    return StudyDirectory(tmp_path / "s")


@pytest.fixture
def study(directory: StudyDirectory) -> optuna.Study:
    """Four finished, of which one was chosen, and a collapsed one, all with their files."""
    study = recorded_study(directory.out, keep=2)
    for number in range(4):
        add_trial(study, "finished", objective=float(number))
    add_trial(study, "collapse")
    choose(study, 3, [3])
    add_files(directory, list(range(5)))
    return study


def test_a_dry_run_says_what_would_go_and_deletes_nothing(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    before = files(directory)
    shown = clean(directory.out, "--dry-run")
    assert shown.exit_code == 0, shown.output
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["checkpoints/trial-0004.pt", "0.0", "collapsed"] in lines
    assert "checkpoints/trial-0003.pt  0.0  the chosen one" in shown.stdout
    assert "3 files (0.0 MB) would go, 2 (0.0 MB) stay." in shown.stdout
    assert files(directory) == before


def test_it_deletes_what_it_lists_and_a_second_time_nothing(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    (directory.checkpoints / "trial-0001.between.partial").write_bytes(b"x")
    (directory.checkpoints / "notes.txt").write_bytes(b"mine")
    shown = clean(directory.out)
    assert shown.exit_code == 0, shown.output
    assert "4 files (0.0 MB) went" in shown.stdout
    assert files(directory) == {"trial-0002.pt", "trial-0003.pt", "notes.txt"}
    assert "0 files (0.0 MB) went" in clean(directory.out).stdout


def test_fewer_may_be_kept_than_the_study_keeps(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    assert clean(directory.out, "--keep", 1).exit_code == 0
    assert files(directory) == {"trial-0003.pt"}


def test_a_quota_and_one_that_is_too_small(study: optuna.Study, directory: StudyDirectory) -> None:
    add_files(directory, list(range(4)), n_bytes=2**20)
    assert clean(directory.out, "--keep", 4, "--checkpoint-gib", 2.5 / 1024).exit_code == 0
    assert files(directory) == {"trial-0002.pt", "trial-0003.pt"}
    message = refused(clean(directory.out, "--checkpoint-gib", 0.5 / 1024))
    assert message.startswith("error: checkpoint_gib: got 0.0004883; wanted at least 0.0010")
    assert "trials 3 (the chosen one)" in message
    assert files(directory) == {"trial-0002.pt", "trial-0003.pt"}
    assert "wanted a number of GiB above 0" in refused(clean(directory.out, "--checkpoint-gib", 0))


def test_an_interrupted_study_keeps_whatever_may_still_be_chosen(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    add_files(directory, [add_trial(study, None, epoch=3)])
    assert clean(directory.out, "--keep", 1).exit_code == 0
    assert files(directory) == {f"trial-{n:04d}.pt" for n in (0, 1, 2, 3, 5)}


def test_cached_features_go_when_asked_and_what_is_half_written_always(
    study: optuna.Study, directory: StudyDirectory
) -> None:
    cache = directory.out / "features"
    cache.mkdir()
    names = ["trial-0003-0009.safetensors", "trial-0003-0009.4711.partial", "own.safetensors"]
    for name in names:
        (cache / name).write_bytes(b"x")
    assert clean(directory.out).exit_code == 0
    assert {path.name for path in cache.iterdir()} == {names[0], names[2]}
    assert "features/trial-0003-0009.safetensors" in clean(directory.out, "--features").stdout
    assert {path.name for path in cache.iterdir()} == {names[2]}


def test_never_while_the_study_runs(study: optuna.Study, directory: StudyDirectory) -> None:
    before = files(directory)
    with directory.lock():
        assert "another process is running the study" in refused(clean(directory.out))
    assert files(directory) == before


def test_where_there_is_no_study_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "trial-0000.pt").write_bytes(b"x")
    assert "holds no study" in refused(clean(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints"}
    assert (tmp_path / "checkpoints" / "trial-0000.pt").exists()
