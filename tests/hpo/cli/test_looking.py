"""`goldilocks score` on real files: what it prints, its JSON, its page and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from hpo.cli import app
from objectives import alpha_req, lidar, rankme
from tests.objectives.builders import near_collapse, power_law, signal_views


def goldilocks(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["score", *(str(argument) for argument in arguments)])


def measured(*arguments: object) -> dict[str, Any]:
    """The JSON, which is all that is on stdout."""
    result = goldilocks(*arguments, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    found: dict[str, Any] = json.loads(result.stdout, parse_constant=pytest.fail)
    return found


def refused(*arguments: object) -> str:
    """The message of an input error: no traceback, and nothing on stdout."""
    result = goldilocks(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    return result.stderr


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    np.save(tmp_path / "z.npy", power_law(1.0, 400, 120).numpy() + 0.001)
    return tmp_path / "z.npy"


@pytest.fixture
def views(tmp_path: Path) -> Path:
    torch.save(signal_views(200, 4, 16, n_signal=5, ratio=20.0).float(), tmp_path / "v.pt")
    return tmp_path / "v.pt"


def test_the_table(embeddings: Path) -> None:
    result = goldilocks(embeddings)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("verdict   not collapsed")
    assert "400 samples of 120 dimensions, float64; no views" in result.stdout
    by_name = {line.split()[0]: line for line in lines if line}
    value = rankme(np.load(embeddings))
    assert by_name["rankme"].split()[1:4] == [format(value, ".5g"), "high", "backbone"]
    assert "over ranks 4 to 100" in by_name["alpha_req"]
    assert by_name["lidar"].split()[1] == "-"
    assert "views" in by_name["lidar"]


def test_the_json_has_the_values_of_the_functions(embeddings: Path) -> None:
    report, loaded = measured(embeddings), np.load(embeddings)
    assert report["measures"]["rankme"]["value"] == pytest.approx(rankme(loaded), rel=1e-9)
    fit = alpha_req(loaded)
    assert report["alpha"]["alpha"] == pytest.approx(fit.alpha, rel=1e-9)
    assert report["alpha"]["r_squared"] == pytest.approx(fit.r_squared, rel=1e-9)
    assert report["collapse"]["collapsed"] is False
    assert report["measures"]["rankme"]["record"]["n_samples"] == 400


def test_views_are_measured_as_views(views: Path) -> None:
    report, loaded = measured(views, "--layer", "projector"), torch.load(views)
    assert report["measures"]["lidar"]["value"] == pytest.approx(lidar(loaded), rel=1e-6)
    assert report["measures"]["lidar"]["record"]["n_views"] == 4
    assert report["measures"]["rankme"]["value"] == pytest.approx(rankme(loaded[:, 0]), rel=1e-6)
    assert report["measures"]["rankme"]["record"]["layer"] == report["layer"] == "projector"
    assert "first view of each image" in goldilocks(views).stdout


def test_flat_rows_with_ids_give_what_grouped_views_give(views: Path, tmp_path: Path) -> None:
    grouped = torch.load(views)
    order = torch.randperm(800, generator=torch.Generator().manual_seed(0))
    flat, ids = grouped.reshape(800, 16)[order], torch.arange(200).repeat_interleave(4)[order]
    np.savez(tmp_path / "flat.npz", crops=flat.numpy(), source=ids.numpy(), labels=np.ones(800))
    found = measured(tmp_path / "flat.npz", "--key", "crops", "--ids-key", "source")
    wanted = measured(views)["measures"]["lidar"]["value"]
    assert found["measures"]["lidar"]["value"] == pytest.approx(wanted, rel=1e-6)
    named = measured(tmp_path / "flat.npz", "--views-key", "crops", "--ids-key", "source")
    assert named["measures"] == found["measures"]


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda z: near_collapse(0.01, 200, 16), "constant"),
        (lambda z: torch.where(torch.arange(16) == 3, torch.nan, z), "not finite"),
        (lambda z: z[:, :1] * torch.ones(16), "dimensional"),
    ],
)
def test_a_collapse_is_data_not_an_error(spoil: Any, kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(spoil(torch.randn(200, 16)), tmp_path / "z.pt")
    report = measured(tmp_path / "z.pt")
    assert report["collapse"]["collapsed"] is True
    assert report["collapse"]["kind"] == kind
    result = goldilocks(tmp_path / "z.pt", "--plot", tmp_path / "out.html")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"verdict   collapsed ({kind}): ")
    assert f"collapsed ({kind})" in (tmp_path / "out.html").read_text("utf-8")


def test_the_plot(embeddings: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    result = goldilocks(embeddings, "--plot", out)
    assert result.exit_code == 0, result.output
    assert f"plot: {out}" in result.stdout
    html = out.read_text("utf-8")
    fit = alpha_req(np.load(embeddings))
    assert f"α = {fit.alpha:.4g}, valid: R² {fit.r_squared:.3f} over ranks 4 to 100" in html
    assert "power law, " in html
    out.unlink()
    assert "alpha" in measured(embeddings, "--plot", out)
    assert out.read_text("utf-8") == html


def test_as_a_command_of_its_own(embeddings: Path) -> None:
    """With all output of the process, imports' warnings included, and plotly left alone."""
    code = (
        "import sys; sys.argv[1:] = ['score', sys.argv[1], '--json']\n"
        "from hpo.cli import main\n"
        "try: main()\n"
        "finally: print('plotly' in sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(embeddings)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr.strip()) == (0, "False")
    assert json.loads(ran.stdout)["measures"]["rankme"]["value"] > 1


def test_a_single_sample_names_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.ones((1, 4)))
    message = refused(tmp_path / "z.npy")
    assert message.startswith(f"error: {tmp_path / 'z.npy'}: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["MISSING.npy"], ["MISSING.npy", "no such file"]),
        (["z.npy", "--key", "z"], ["--key", "leave out --key"]),
        (["z.npy", "--views-key", "z"], ["--views-key"]),
        (["z.npy", "--ids-key", "z"], ["--ids-key"]),
        (["z.npy", "--layer", "backbon"], ["--layer", "Did you mean 'backbone'?"]),
        (["z.npy", "--plot", "z.npy"], ["--plot", "ends in .html"]),
        (["z.npy", "--plot", "no/out.html"], ["--plot", "does not exist"]),
        (["z.npy", "--plot", "d.html"], ["--plot", "is a directory"]),
        (["labels.npy"], ["labels.npy", "int64 of shape (5,)"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_named_with_what_to_do(
    arguments: list[str], words: list[str], embeddings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(embeddings.parent)
    Path("d.html").mkdir()
    np.save("labels.npy", np.arange(5))
    content = embeddings.read_bytes()
    message = refused(*arguments)
    for word in words:
        assert word in message
    assert embeddings.read_bytes() == content


def test_a_page_that_cannot_be_written(embeddings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    message = refused(embeddings, "--plot", embeddings.parent / "out.html")
    assert "cannot be written (No space left on device)" in message
