"""The import laws of search_spaces: nothing of the project's, nothing heavy, in milliseconds."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import search_spaces

PACKAGE = Path(search_spaces.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
OURS = {"hpo", "objectives"}
HEAVY = {"torch", "optuna", "ray", "lightly", "pytorch_lightning", "torchvision", "numpy", "yaml"}


def imported_packages(source: str) -> set[str]:
    """First names of all absolute imports, those inside functions included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def loaded_by(statement: str) -> tuple[set[str], float]:
    """What a fresh interpreter has loaded after a statement, and the CPU milliseconds it took."""
    code = (
        "import sys, time\nbegan = time.process_time()\n"
        f"{statement}\n"
        "print(1000 * (time.process_time() - began))\n"
        f"print(*[name for name in {sorted(OURS | HEAVY)!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=PACKAGE.parent,
    )
    milliseconds, loaded = done.stdout.split("\n")[:2]
    return set(loaded.split()), float(milliseconds)


EVERY_SPACE = "import search_spaces as s\nfor name in s.method_names(): s.get(name)"


def test_importing_and_reading_every_space_loads_nothing_heavy_and_is_quick() -> None:
    runs = [loaded_by(EVERY_SPACE) for _ in range(3)]
    assert [loaded for loaded, _ in runs] == [set()] * 3
    assert min(milliseconds for _, milliseconds in runs) < 300


def test_importing_takes_less_than_fifty_milliseconds() -> None:
    runs = [loaded_by("import search_spaces")[1] for _ in range(5)]
    assert min(runs) < 50, runs


def test_the_loading_check_can_fail() -> None:
    loaded, _ = loaded_by("import search_spaces\nsearch_spaces.get('byol').to_optuna()")
    assert "optuna" in loaded


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_file_imports_another_room(file: Path) -> None:
    assert not imported_packages(file.read_text("utf-8")) & (OURS | {"torch"})


def test_only_two_files_may_know_the_engines() -> None:
    knowing = {f.name for f in FILES if imported_packages(f.read_text("utf-8")) & HEAVY - {"yaml"}}
    assert knowing == {"engines.py", "space.py"}


def test_only_two_files_may_know_yaml() -> None:
    knowing = {f.name for f in FILES if "yaml" in imported_packages(f.read_text("utf-8"))}
    assert knowing == {"preset_text.py", "yaml_document.py"}


@pytest.mark.parametrize(
    "source", ["import hpo.cli", "def f():\n    from objectives import rankme"]
)
def test_the_file_check_can_fail(source: str) -> None:
    assert imported_packages(source) & OURS


def test_every_public_name_is_there_and_sorted() -> None:
    names = search_spaces.__all__
    assert all(hasattr(search_spaces, name) for name in names)
    assert names == sorted(names)
