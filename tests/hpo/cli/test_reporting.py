"""`goldilocks report`: where the page goes, and what is said when it cannot."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hpo.cli import app
from tests.hpo.recorded import add_trial, choose, recorded_study


def goldilocks(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *(str(argument) for argument in arguments)])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    study = recorded_study(tmp_path / "photos", data=str(tmp_path / "gone"))
    study.set_user_attr("identity", {"data": "gone"})
    choose(study, add_trial(study, "finished"), [0])
    return tmp_path / "photos"


def test_the_page_lies_in_the_studys_directory(out: Path) -> None:
    result = goldilocks(out)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"wrote {out / 'report.html'} (")
    page = (out / "report.html").read_text("utf-8")
    assert "Trial 0 was chosen" in page
    assert "There is no file or folder" in page
    assert [path.name for path in out.glob("report*")] == ["report.html"]


def test_or_where_it_is_asked_for_and_in_the_browser(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    target = tmp_path / "a b.html"
    assert goldilocks(out, "--to", target, "--open").exit_code == 0
    assert shown == [target.as_uri()]
    assert not (out / "report.html").exists()


def test_a_study_in_another_database_is_found(out: Path, tmp_path: Path) -> None:
    (out / "study.db").rename(tmp_path / "shared.db")
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    (out / "config.yaml").write_text(f"storage: {url}\nstudy_name: goldilocks\n")
    result = goldilocks(out)
    assert result.exit_code == 0, result.output


def test_what_a_user_can_mend_is_a_message(out: Path, tmp_path: Path) -> None:
    for arguments, message in (
        ([tmp_path / "nothing"], "holds no study"),
        ([out, "--to", tmp_path / "no" / "such" / "folder.html"], "cannot be written"),
    ):
        result = goldilocks(*arguments)
        assert result.exit_code == 2, result.output
        assert message in result.stderr
        assert isinstance(result.exception, SystemExit)
