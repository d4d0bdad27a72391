"""Objects that a user names by file or module, and what is said when they are not there."""

import sys
from pathlib import Path

import pytest

from hpo.errors import ConfigError
from hpo.named_object import file_digest, is_reference, load_object


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nets.py:tiny", True),
        ("/a b/nets.py:tiny", True),
        ("package.module:tiny", True),
        ("simclr", False),
        ("nets.py", False),
        (":tiny", False),
        ("nets.py:", False),
        ("torchvision:2 words", False),
    ],
)
def test_what_names_an_object(text: str, named: bool) -> None:
    assert is_reference(text) is named


def test_a_file_is_imported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets.py").write_text("made = []\nmade.append(len(made))\n")
    monkeypatch.chdir(tmp_path)
    first = load_object("nets.py:made", argument="backbone")
    assert first == [0]
    assert load_object(f"{tmp_path}/nets.py:made", argument="backbone") is first


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    found = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "nets.py").write_text(f"name = {folder!r}")
        found.append(load_object(f"{tmp_path / folder}/nets.py:name", argument="backbone"))
    assert found == ["a", "b"]


def test_a_module_is_imported() -> None:
    assert load_object("os.path:join", argument="method")("a", "b") == str(Path("a/b"))


def test_a_file_of_dataclasses_can_be_imported(tmp_path: Path) -> None:
    """Dataclasses look their module up by name while it is being imported."""
    (tmp_path / "d.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Point:\n    x: int = 3\n"
    )
    assert load_object(f"{tmp_path}/d.py:Point", argument="method")().x == 3


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"method: there is no file .*nets\.py; wanted FILE.py"):
        load_object(f"{tmp_path}/nets.py:tiny", argument="method")


@pytest.mark.parametrize("place", ["no_such_module", "os.no_such"])
def test_a_missing_module(place: str) -> None:
    message = f"backbone: importing {place} failed with ModuleNotFoundError"
    with pytest.raises(ConfigError, match=message):
        load_object(f"{place}:tiny", argument="backbone")


def test_a_missing_name_gets_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("tiny = 1\n_hidden = 2\n")
    with pytest.raises(ConfigError, match=r"nets\.py has no 'tinny'. Did you mean 'tiny'\?"):
        load_object(f"{tmp_path}/nets.py:tinny", argument="backbone")


@pytest.mark.parametrize(
    "text", ["1 / 0", "def f(:", "import no_such_module", "raise OSError('x')"]
)
def test_a_file_that_cannot_be_imported_can_be_mended(tmp_path: Path, text: str) -> None:
    file = tmp_path / "nets.py"
    file.write_text(text)
    before = set(sys.modules)
    with pytest.raises(ConfigError, match=r"method: importing .*nets\.py failed with \w+Error"):
        load_object(f"{file}:tiny", argument="method")
    assert set(sys.modules) == before
    file.write_text("tiny_and_mended = 5")
    assert load_object(f"{file}:tiny_and_mended", argument="method") == 5


def test_the_content_of_a_file_is_part_of_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "nets.py"
    file.write_text("tiny = 1\n")
    first = file_digest(f"{file}:tiny")
    assert first is not None
    assert len(first) == 12
    assert file_digest(f"{file}:tiny") == first
    file.write_text("tiny = 2\n")
    assert file_digest(f"{file}:tiny") != first


@pytest.mark.parametrize("text", ["simclr", "os.path:join", "timm:resnet18"])
def test_what_names_no_file_has_no_digest(text: str) -> None:
    assert file_digest(text) is None
