"""The laws of the whole project that no single package's tests can keep.

The imports of `objectives` and of `search_spaces` are kept by their own `test_imports.py`.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = ("hpo", "objectives", "search_spaces")
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
EVERY_FILE = pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
MAX_LINES = 300

# Both engines call these, so they may know neither; the law of the pure decisions.
PURE = ("budget", "decision", "goldilocks", "history", "pruning", "rules")
ENGINES = {"optuna", "ray", "lightly", "pytorch_lightning"}


def imported(source: str) -> set[str]:
    """First names of all imports; "." for a relative one, "import_module" for one by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." if node.level or not node.module else node.module.partition(".")[0])
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            found |= {"import_module"} & {name}
    return found


def asserts(source: str) -> list[int]:
    """Lines of all assert statements."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]


def too_long(source: str) -> bool:
    return len(source.splitlines()) > MAX_LINES


def required(names: list[str]) -> Iterator[str]:
    """Distributions that the named requirements bring, themselves included, normalised."""
    seen: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        wanted = waiting.pop()
        key = str(wanted)
        if key in seen:
            continue
        seen.add(key)
        yield normalised(wanted.name)
        try:
            further = [Requirement(text) for text in requires(wanted.name) or []]
        except PackageNotFoundError:
            continue
        for one in further:
            extras = wanted.extras or {""}
            if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(one)


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def taken_names() -> set[str]:
    """Top-level modules of Python and of everything that the project depends on."""
    installed = packages_distributions()
    brought = set(required(PROJECT["project"]["dependencies"]))
    depended_on = {
        module
        for module, distributions in installed.items()
        if brought & {normalised(d) for d in distributions}
    }
    return depended_on | sys.stdlib_module_names


def shadowing(names: set[str], taken: set[str]) -> set[str]:
    return {name for name in names if name in taken and not name.startswith("__")}


def own_names() -> set[str]:
    """What our files and folders would be called if their folder were on the import path."""
    folders = {f.parent.name for f in FILES} | set(PACKAGES)
    return {file.stem for file in FILES} | folders


def test_the_files_are_found() -> None:
    assert {file.parts[len(ROOT.parts)] for file in FILES} == set(PACKAGES)
    assert len(FILES) > 40


# Direction


@pytest.mark.parametrize("package", sorted(set(PACKAGES) - {"hpo"}))
def test_nothing_but_hpo_imports_hpo(package: str) -> None:
    guilty = [f.name for f in (ROOT / package).rglob("*.py") if "hpo" in imported(f.read_text())]
    assert guilty == []


def test_hpo_imports_both_others() -> None:
    """Or the law above would hold for want of anything to forbid."""
    found = set().union(*(imported(f.read_text("utf-8")) for f in (ROOT / "hpo").rglob("*.py")))
    assert {"objectives", "search_spaces", "optuna", "torch"} <= found


@EVERY_FILE
def test_no_file_hides_what_it_imports(file: Path) -> None:
    """Neither by a relative import nor by a name made up at run time.

    Except to load a space, and what the user named.
    """
    found = imported(file.read_text("utf-8"))
    assert "." not in found
    if file not in (ROOT / "search_spaces" / "__init__.py", ROOT / "hpo" / "named_object.py"):
        assert "import_module" not in found


@EVERY_FILE
def test_no_file_imports_the_tests_or_the_benchmarks(file: Path) -> None:
    assert not imported(file.read_text("utf-8")) & {"tests", "benchmarks", "pytest", "hypothesis"}


@pytest.mark.parametrize("name", PURE)
def test_decisions_know_no_engine(name: str) -> None:
    package = ROOT / "hpo" / name
    files = sorted(package.glob("*.py")) if package.is_dir() else [package.with_suffix(".py")]
    assert files
    for file in files:
        assert not imported(file.read_text("utf-8")) & ENGINES, file


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import hpo.study as s", "hpo"),
        ("def late():\n    from hpo.cli import main", "hpo"),
        ("from . import space", "."),
        ("from .space import Float", "."),
        ("name = 'hpo'\nimport_module(name)", "import_module"),
        ("x = library.import_module('hpo')", "import_module"),
        ("try:\n    import optuna\nexcept ImportError:\n    pass", "optuna"),
    ],
)
def test_the_import_check_can_fail(source: str, name: str) -> None:
    assert imported(source) == {name}


# Names


def test_no_module_bears_an_installed_packages_name() -> None:
    """Ray puts a driver script's folder on its workers' path, where it would shadow it."""
    assert shadowing(own_names(), taken_names() - set(PACKAGES)) == set()


def test_the_name_check_can_fail() -> None:
    bad = {"ray", "optuna", "torch", "lightly", "pytorch_lightning", "yaml", "sklearn", "PIL"}
    bad |= {"signal", "typing"}
    assert shadowing(bad | {"pruning", "__init__"}, taken_names()) == bad


# Files


@EVERY_FILE
def test_no_file_has_more_than_300_lines(file: Path) -> None:
    assert not too_long(file.read_text("utf-8"))


def test_the_length_check_can_fail() -> None:
    assert too_long("x = 1\n" * (MAX_LINES + 1))
    assert not too_long("x = 1\n" * MAX_LINES)


@EVERY_FILE
def test_no_file_asserts(file: Path) -> None:
    """`python -O` takes assertions out, and an AssertionError tells a user nothing."""
    assert asserts(file.read_text("utf-8")) == []


def test_the_assert_check_can_fail() -> None:
    assert asserts("def f(x):\n    if x:\n        assert x > 0, 'no'\n") == [3]
    assert asserts("'''assert x'''\nself.assert_(x)") == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    setuptools = PROJECT["tool"]["setuptools"]
    assert "py.typed" in setuptools["package-data"][package]
    assert f"{package}*" in setuptools["packages"]["find"]["include"]


def test_every_folder_of_ours_is_a_package() -> None:
    """setuptools leaves out a folder without an __init__.py, and pytest confuses equal names."""
    folders = {file.parent for file in FILES} | {f.parent for f in (ROOT / "tests").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_no_other_folder_would_be_installed() -> None:
    top = {p.parent.name for p in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert top == set(PACKAGES)
