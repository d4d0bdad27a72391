"""`goldilocks export`: what it says, and its exit codes."""

from pathlib import Path

from typer.testing import CliRunner, Result

from hpo.cli import app
from tests.hpo.exporting.test_command import chosen


def goldilocks(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["export", *(str(argument) for argument in arguments)])


def test_it_says_what_was_written_and_how_close_it_is(tmp_path: Path) -> None:
    to = tmp_path / "net.pt2"
    options = ("--format", "torch-export", "--with-normalisation", "uint8", "--to", to)
    result = goldilocks(chosen(tmp_path), *options)
    assert result.exit_code == 0, result.output
    first, second, third = result.stdout.splitlines()
    assert first == f"{to}: {to.stat().st_size / 1e6:.1f} MB"
    assert second == "takes uint8 pixels (n, 3, 16, 16), returns float32 (n, 128); any n"
    assert third.startswith("read again and run on a batch: largest difference ")
    again = goldilocks(tmp_path, *options)
    assert again.exit_code == 2
    assert "is there already. Give --force" in again.stderr


def test_a_folder_without_a_backbone_is_refused(tmp_path: Path) -> None:
    result = goldilocks(tmp_path, "--format", "torch-export")
    assert result.exit_code == 2
    assert "card.json: is not there: nothing has been chosen yet" in result.stderr
