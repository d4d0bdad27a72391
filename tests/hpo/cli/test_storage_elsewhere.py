"""`--storage` with an SQLite file elsewhere: every command finds the study."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hpo.cli import app
from hpo.storage import StudyDirectory, load_study
from tests.hpo.studies import states, tiny_arguments


def goldilocks(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of two trials, by two workers, in shared.db beside its directory."""
    folder = tmp_path_factory.mktemp("elsewhere")
    ran = goldilocks("run", *arguments(folder, trials=2, workers=2))
    assert ran.exit_code == 0, ran.output
    return folder


def arguments(folder: Path, **options: object) -> list[str]:
    storage = f"sqlite:///{folder}/shared.db"
    given = {"epochs": 2, "no_prune": True, "storage": storage, **options}
    return tiny_arguments(folder / "photos", **given)


def test_the_study_is_there_and_nowhere_else(folder: Path) -> None:
    out = folder / "photos"
    assert not (out / "study.db").exists()
    assert [state for _, state in states(folder / "shared.db")] == ["COMPLETE", "COMPLETE"]
    assert (out / "chosen" / "backbone.safetensors").exists()
    assert len(list((out / "checkpoints").iterdir())) == 2
    study = load_study(StudyDirectory(out))
    assert study.study_name == "photos"
    assert study.user_attrs["config"]["study_name"] == "photos"


def test_status_replay_and_clean_find_it_from_any_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = folder / "photos"
    shown = goldilocks("status", out)
    assert shown.exit_code == 0, shown.output
    assert "2 started, 2 finished" in shown.output
    replayed = goldilocks("replay", out)
    assert replayed.exit_code == 0, replayed.output
    assert "as recorded: verdict, reason and evidence" in replayed.output
    cleaned = goldilocks("clean", out, "--dry-run")
    assert cleaned.exit_code == 0, cleaned.output
    assert "checkpoints/trial-0000.pt" in cleaned.output


def test_the_written_configuration_goes_on_with_it(folder: Path) -> None:
    ran = goldilocks("run", "--config", folder / "photos" / "config.yaml", "--trials", 3)
    assert ran.exit_code == 0, ran.output
    assert len(states(folder / "shared.db")) == 3


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"storage": "postgresql+psycopg://a:7Zq@h/d"}, "URL with a password"),
        ({"storage": "sqlite:////no/such/folder/s.db"}, "its folder must exist"),
        ({"study_name": "other"}, "--study-name photos to go on with it"),
    ],
)
def test_what_cannot_be_is_said_before_any_image_is_read(
    changed: dict[str, str], words: str, folder: Path
) -> None:
    refused = goldilocks("run", *arguments(folder, data="MISSING", **changed))
    assert refused.exit_code == 2
    assert isinstance(refused.exception, SystemExit), refused.exception
    assert words in refused.stderr
    assert "7Zq" not in refused.output
