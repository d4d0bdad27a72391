"""The table of trials: what each cell shows and sorts by."""

from __future__ import annotations

from pathlib import Path

from hpo.report.webpage.material import Material
from hpo.report.webpage.trials_table import Cell, TrialsTable, trials_table_of
from hpo.storage import StudyDirectory
from tests.hpo.report.webpage.made_pages import LR, WIDTH, add, choose, empty_study


def cells(table: TrialsTable, number: int) -> dict[str, Cell]:
    names = [column.name for column in table.columns]
    return dict(zip(names, table.lines[number].cells, strict=True))


def test_every_end_has_its_word_its_mark_and_its_reason(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    for end in ("finished", "halving", "zone", "collapse", "failed", "running"):
        add(study, end, epoch=18, reason=f"Because of {end}")
    choose(study, 0)
    table = trials_table_of(Material.of(study, StudyDirectory(tmp_path), running=True))
    assert [(line.state, line.kind) for line in table.lines] == [
        ("finished", "finished"),
        ("pruned", "stopped"),
        ("out of zone", "stopped"),
        ("collapsed", "collapsed"),
        ("failed", "collapsed"),
        ("running", "open"),
    ]
    assert [line.chosen for line in table.lines] == [True] + [False] * 5
    assert cells(table, 1)["why it ended"] == Cell("Because of halving", "because of halving")
    assert cells(table, 0)["why it ended"].key is None
    assert table.states[:2] == ("finished", "pruned")


def test_numbers_sort_as_numbers_and_choices_as_text(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    add(study, params={"lr": 0.012345678}, distributions={"lr": LR}, alpha_req=float("nan"))
    both = {"lr": 1e-5, "width": "auto"}
    add(study, params=both, distributions={"lr": LR, "width": WIDTH})
    table = trials_table_of(Material.of(study, StudyDirectory(tmp_path), running=False))
    kinds = {column.name: column.kind for column in table.columns}
    assert (kinds["lr"], kinds["width"], kinds["α"]) == ("number", "text", "number")
    assert cells(table, 0)["lr"] == Cell("0.01235", 0.012345678)
    assert cells(table, 0)["width"] == Cell("–", None)
    assert cells(table, 0)["α"] == Cell("–", None)
    assert cells(table, 1)["width"] == Cell("auto", "auto")


def test_replicates_say_whose_and_under_which_seed(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    add(study)
    add(study, attrs={"replicate_of": 0, "seed": 9})
    table = trials_table_of(Material.of(study, StudyDirectory(tmp_path), running=False))
    assert cells(table, 1)["why it ended"].text == "trial 0 again, seed 9"


def test_probes_have_a_column_where_there_are_any(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    add(study)
    add(study)
    made = trials_table_of(Material.of(study, StudyDirectory(tmp_path), running=False))
    assert "probe" not in [column.name for column in made.columns]
    study.set_user_attr("probe/1", {"cross_validated": 0.9, "reported": 0.8, "n_reported": 10.0})
    made = trials_table_of(Material.of(study, StudyDirectory(tmp_path), running=False))
    assert cells(made, 0)["probe"].key is None
    assert cells(made, 1)["probe"] == Cell("0.900", 0.9)
