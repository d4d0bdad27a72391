"""The import laws of the objectives package, and that these checks can fail."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import objectives

PACKAGE = Path(objectives.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
OURS = {"hpo", "search_spaces"}
HEAVY = {"optuna", "ray", "lightly", "pytorch_lightning", "lightning", "torchvision"}


def imported_packages(source: str) -> set[str]:
    """First names of all absolute imports, anywhere in the file, functions included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def loaded_by(statement: str) -> set[str]:
    """Forbidden packages that a fresh interpreter has loaded after the statement."""
    forbidden = sorted(OURS | HEAVY)
    code = f"{statement}\nimport sys\nprint(*[m for m in {forbidden!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=PACKAGE.parent,
    )
    return set(done.stdout.split())


def test_the_files_are_found() -> None:
    assert {"__init__.py", "rankme.py", "alpha_req.py", "lidar.py"} <= {f.name for f in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_file_imports_another_room_or_a_heavy_library(file: Path) -> None:
    assert not imported_packages(file.read_text("utf-8")) & (OURS | HEAVY)


def test_importing_loads_nothing_heavy() -> None:
    assert loaded_by("import objectives") == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import hpo.cli", "hpo"),
        ("from search_spaces.space import Float", "search_spaces"),
        ("def late():\n    import optuna as o", "optuna"),
        ("if TYPE_CHECKING:\n    from ray import tune", "ray"),
    ],
)
def test_the_file_check_can_fail(source: str, found: str) -> None:
    assert imported_packages(source) & (OURS | HEAVY) == {found}


def test_the_loading_check_can_fail() -> None:
    assert "search_spaces" in loaded_by("import objectives, search_spaces")


def test_every_public_name_is_there_and_sorted_within_its_kind() -> None:
    names = objectives.__all__
    assert len(set(names)) == len(names)
    assert all(hasattr(objectives, name) for name in names)
    constants = [name for name in names if name.isupper()]
    classes = [name for name in names if name[0].isupper() and not name.isupper()]
    functions = [name for name in names if name[0].islower()]
    assert names == sorted(constants) + sorted(classes) + sorted(functions)


def test_no_file_has_more_than_300_lines() -> None:
    for file in FILES:
        assert len(file.read_text("utf-8").splitlines()) <= 300, file.name
