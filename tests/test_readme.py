"""The README is true: its commands name real options, its snippets run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command

import search_spaces
from benchmarks import engines, throughput
from benchmarks import objectives as objectives_benchmark
from benchmarks.objectives import readme_table
from benchmarks.tabular import pages
from hpo.cli import app
from hpo.study import run_study
from objectives import measure_names
from tests.hpo.studies import tiny, tiny_arguments

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_every_option_in_the_readme_exists() -> None:
    known = {
        option
        for command in get_command(app).commands.values()  # type: ignore[attr-defined]
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    } | {"--help"}
    ours = "\n".join(line for line in README.splitlines() if "optuna-dashboard" not in line)
    used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours))
    assert used - known == set()


def test_each_of_the_two_set_up_commands_is_one_line() -> None:
    first, second = blocks("bash")[:2]
    assert first.strip().count("\n") == second.strip().count("\n") == 0
    assert "goldilocks run --data digits" in first
    assert second.strip().endswith("pytest")


def test_ci_installs_and_tests_as_the_readme_says() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    install = "pip install -c constraints.txt -e '.[dev]'"
    assert install in blocks("bash")[1]
    assert "-c constraints.txt -e '.[dev]'" in ci


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the reader has it after the first command, with an image and features."""
    folder = tmp_path_factory.mktemp("reader")
    run_study(tiny(folder / "studies" / "digits", trials=1, epochs=1))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "new.png")
    np.save(folder / "features.npy", np.random.default_rng(0).normal(size=(300, 16)))
    return folder


# These run, as they are printed, beside the other tests of what they show.
_HPO = Path(__file__).parent / "hpo"
ELSEWHERE = [
    (_HPO / "ray_tune" / "ten_lines.py").read_text("utf-8"),
    (_HPO / "label_free" / "plain_optuna.txt").read_text("utf-8"),
    (_HPO / "label_free" / "newcomer_after.txt").read_text("utf-8"),
]
SNIPPETS = [block for block in blocks("python") if block not in ELSEWHERE]


@pytest.mark.parametrize("index", range(len(ELSEWHERE)))
def test_the_scripts_tested_elsewhere_are_printed_as_they_are_tested(index: int) -> None:
    assert ELSEWHERE[index] in blocks("python")


@pytest.mark.parametrize("index", range(len(SNIPPETS)))
def test_the_snippets_run(index: int, folder: Path) -> None:
    # Lightning warns of itself, and of a loader without workers.
    warnings = "ignore" if "pytorch_lightning" in SNIPPETS[index] else "error"
    done = subprocess.run(
        [sys.executable, "-W", warnings, "-c", SNIPPETS[index]],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_method_of_ones_own_takes_under_thirty_lines_and_runs(tmp_path: Path) -> None:
    (text,) = [block for block in blocks("python") if block.startswith("# volume.py")]
    assert len([line for line in text.splitlines() if line.strip()]) < 30
    (tmp_path / "volume.py").write_text(text)
    arguments = tiny_arguments(tmp_path / "study", method="volume.py:volume", trials=2, epochs=2)
    arguments.append("--no-prune")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "hpo", "run", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "searched: lr, weight_decay, weight\n" in done.stdout
    assert "2 started, 2 finished" in done.stdout


def test_the_methods_named_are_those_there_are() -> None:
    section = README[README.index("Contrastive: `simclr`") : README.index("Heads, losses and")]
    named = set(re.findall(r"`(\w+)`", section))
    assert named == set(search_spaces.method_names())
    assert f"one of the {len(named)} below" in README


def test_the_backbone_loads_without_this_package_in_ten_lines() -> None:
    snippet = blocks("python")[0]
    lines = [line for line in snippet.splitlines() if line.strip() and not line.startswith("#")]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert not any(name in snippet for name in ("hpo", "objectives", "search_spaces"))
    assert len(lines) - len(imports) <= 10


def test_every_figure_table_comes_from_the_committed_result() -> None:
    runs = json.loads(objectives_benchmark.RESULTS.read_text())["runs"]
    for row in readme_table(runs).splitlines():
        assert row in README


def test_what_is_told_of_the_studies_is_what_their_results_say() -> None:
    for file, wanted in pages.written().items():
        assert file.read_text(encoding="utf-8") == wanted, "run python -m benchmarks.tabular.pages"
    for file in pages.READMES:
        assert "made by benchmarks.tabular.pages" in file.read_text(encoding="utf-8")


def test_the_table_of_speeds_comes_from_the_committed_result() -> None:
    for row in throughput.table(json.loads(throughput.RESULTS.read_text())["results"]).splitlines():
        assert row in README


def test_the_tables_of_engines_come_from_the_committed_result() -> None:
    for row in engines.table(json.loads(engines.RESULTS.read_text())).splitlines():
        assert row in README


def test_the_table_of_measures_is_the_registry() -> None:
    table = README[README.index("| measure | of |") : README.index("**How far to trust it.**")]
    listed = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert sorted(listed) == list(measure_names())
