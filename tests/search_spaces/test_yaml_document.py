"""YAML as plain data with its lines; what surprises people or machines is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.errors import SpaceError
from search_spaces.yaml_document import MAX_BYTES, document_of, read_yaml

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), inner)
    ),
    max_leaves=20,
)


def mistakes(text: str) -> list[str]:
    return [mistake.text for mistake in document_of(text).mistakes]


def refused(text: str) -> str:
    with pytest.raises(SpaceError) as caught:
        document_of(text)
    return str(caught.value)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(PLAIN)
def test_it_reads_what_yaml_reads(content: Any) -> None:
    read = document_of(yaml.safe_dump(content))
    assert (read.content, read.mistakes) == (content, ())


def test_every_entry_knows_its_line() -> None:
    text = "# a comment\nspace:\n  lr: {low: 1, high: 2}\n  q:\n    - 3\n    - 4\nmin-scale: 1\n"
    read = document_of(text)
    assert read.content == {"space": {"lr": {"low": 1, "high": 2}, "q": [3, 4]}, "min_scale": 1}
    places = [("space",), ("space", "lr", "high"), ("space", "q", 1), ("min_scale",)]
    assert [read.lines[place] for place in places] == [2, 3, 6, 7]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_text_is_nothing(text: str) -> None:
    assert document_of(text).content is None


def test_a_key_is_a_name_even_where_yaml_sees_a_truth_value() -> None:
    assert document_of("on: 1\nno: 2\n3: 4\n~: 5").content == {"on": 1, "no": 2, "3": 4, "~": 5}


def test_a_key_that_is_there_twice_is_a_mistake() -> None:
    read = document_of("a-b: 1\nc: 2\na_b: 3\n")
    assert read.content == {"a_b": 1, "c": 2}
    (mistake,) = read.mistakes
    assert mistake.text == "'a_b' is given twice, first in line 1."
    assert mistake.line(read.lines) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 010", "a: got '010', which YAML reads as 8; write it plainly."),
        ("a: [1:30]", "a.0: got '1:30', which YAML reads as 90; write it plainly."),
        ("a: 0x10", "a: got '0x10', which YAML reads as 16; write it plainly."),
        ("a: 2024-01-01", "a: got '2024-01-01', which YAML reads as a date; put it in quotes."),
        ("a: 2024-02-30", "a: got '2024-02-30'; day is out of range for month."),
    ],
)
def test_a_value_that_is_not_what_it_looks_like_is_a_mistake(text: str, message: str) -> None:
    assert mistakes(text) == [message]


@pytest.mark.parametrize("text", ["1", "-2.5", "1_000", ".5", "1.", "+3", ".inf", "-.inf", ".nan"])
def test_plain_numbers_are_none(text: str) -> None:
    assert mistakes(f"a: {text}") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "line 1, column 6: expected ',' or ']'"),
        ("a: 1\n\tb: 2", "line 2, column 1: found character '\\t'"),
        ("a: 1\n---\nb: 2", "but found another document"),
        ("a: !!python/object/apply:os.system [ls]", "os.system"),
        ("!!python/object:os.x {}", "the tag 'tag:yaml.org,2002:python/object:os.x' is not read"),
        ("a: !!set {b: 1}", "line 1: the tag"),
        ("? [1, 2]\n: 3", "line 1: wanted a plain word as the key"),
        ("x: &x {a: 1}\ny:\n  <<: *x", "line 3: wanted a plain word as the key; merges"),
        ("a: *b", "found undefined alias 'b'"),
        ("[" * 5000, "brackets within brackets without end"),
        ("a: &a [*a]", "more than 10000 entries, or 20 levels"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    assert message in refused(text)


def test_a_small_text_cannot_become_a_large_document() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for n in range(1, 9):
        lines.append(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]")
    assert "more than 10000 entries" in refused("\n".join(lines))


def test_an_alias_may_repeat_a_range() -> None:
    assert document_of("a: &r {low: 1}\nb: *r").content == {"a": {"low": 1}, "b": {"low": 1}}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xff\xfe\x00\x81")
    for name in ("a.yaml", "missing.yaml", ""):
        with pytest.raises(SpaceError, match="cannot be read"):
            read_yaml(tmp_path / name)
    file.write_text("a: 1\n" + "#" * MAX_BYTES)
    with pytest.raises(SpaceError, match="more than 200 kB"):
        read_yaml(file)
    file.write_text("a: [1")
    with pytest.raises(SpaceError, match=r"a\.yaml is no valid YAML: line 1"):
        read_yaml(file)
    file.write_text("a: ä", encoding="utf-8-sig")
    assert read_yaml(file).content == {"a": "ä"}
