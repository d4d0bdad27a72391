"""The committed results are what the scripts make of the committed table."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tabular import collapse_study, objectives_study, savings_study, sweep_study
from benchmarks.tabular.cells import DATA_SETS, METHODS
from benchmarks.tabular.raw_results import as_text
from benchmarks.tabular.reading import TABLE, read_table
from benchmarks.tabular.savings_table import read_cells
from objectives import DEFAULT_OBJECTIVE


def stored(module: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(module.RESULTS.read_text(encoding="utf-8"))
    return found


def test_the_table_is_as_long_as_it_is_said_to_be() -> None:
    cells = {cell.name: cell for cell in read_table()}
    assert set(cells) == {f"{method}-{data}" for method in METHODS for data in DATA_SETS}
    assert all(len(cell.ended) >= 60 for cell in cells.values())


def test_what_the_data_card_shows_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    blocks = re.findall(r"```python\n(.*?)```", (TABLE / "README.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 1
    exec(blocks[0], {})
    assert re.fullmatch(
        r"RankMe at the end and linear accuracy: τ = -0\.\d\d over 61 trials\n",
        capsys.readouterr().out,
    )


def test_the_default_objective_is_the_one_that_the_study_chose() -> None:
    assert stored(objectives_study)["choice"]["chosen"] == DEFAULT_OBJECTIVE


@pytest.mark.slow
def test_the_study_of_objectives_comes_out_the_same() -> None:
    before = stored(objectives_study)
    again = json.loads(as_text(objectives_study.study(TABLE, repeats=0)))
    assert again["choice"] == before["choice"]
    for name, cell in before["cells"].items():
        for part in ("facts", "candidates", "bounds", "labels"):
            assert again["cells"][name][part] == cell[part], (name, part)


@pytest.mark.slow
def test_the_study_of_collapse_comes_out_the_same() -> None:
    again = collapse_study.study(TABLE / "collapse", TABLE)
    assert json.loads(json.dumps(again)) == stored(collapse_study)


@pytest.mark.slow
def test_the_study_of_savings_rests_on_this_table() -> None:
    cells = {cell.name: savings_study.conditions_of(cell) for cell in read_cells(TABLE)}
    assert json.loads(json.dumps(cells)) == stored(savings_study)["cells"]


@pytest.mark.slow
def test_the_study_of_sweeps_comes_out_the_same() -> None:
    again = sweep_study.study(sweep_study.TABLE)
    assert json.loads(as_text(again)) == stored(sweep_study)
