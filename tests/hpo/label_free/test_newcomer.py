"""A newcomer's Optuna script becomes a label-free study with pruning by five lines."""

from __future__ import annotations

import os
import subprocess
import sys
from difflib import ndiff
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def text(name: str) -> str:
    return (HERE / f"{name}.txt").read_text("utf-8")


def code(name: str) -> list[str]:
    """The lines of a script that say something."""
    return [line for line in text(name).splitlines() if line.strip()]


def run(name: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text(name)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_five_lines_make_the_difference() -> None:
    lines = list(ndiff(code("newcomer_before"), code("newcomer_after")))
    added = [line for line in lines if line.startswith("+ ")]
    removed = [line for line in lines if line.startswith("- ")]
    assert 25 <= len(code("newcomer_before")) <= 30
    assert len(added) <= 5
    # What is removed is a line that was changed: each is one of the five.
    assert [line.split("=")[0] for line in removed] == ["- study "]
    assert "hpo" not in text("newcomer_before")


def test_the_newcomers_study_prunes_without_labels(tmp_path: Path) -> None:
    said = run("newcomer_after", tmp_path)
    assert said.count(" finished with value") + said.count(" pruned. ") == 6
    assert "'temperature'" in said.splitlines()[0]


@pytest.mark.slow
def test_the_newcomers_study_ran_before(tmp_path: Path) -> None:
    assert run("newcomer_before", tmp_path).count(" finished with value") == 6


def test_our_training_in_a_plain_optuna_script(tmp_path: Path) -> None:
    said = run("plain_optuna", tmp_path)
    assert said.count(" finished with value") + said.count(" pruned. ") == 5
    assert "'guarded_rank'" in said.splitlines()[0]
    assert list((tmp_path / "backbones" / "digits").glob("trial-*/backbone.safetensors"))
