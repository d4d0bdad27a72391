"""YAML as plain data that knows its lines; what surprises people is refused, not guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from search_spaces.errors import SpaceError
from search_spaces.mistakes import Mistake, Where

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 200_000
MAX_ENTRIES = 10_000
MAX_DEPTH = 20
_PLAIN = "tag:yaml.org,2002:"
_MERGE = f"{_PLAIN}merge"


@dataclass(frozen=True)
class Document:
    """What a YAML text says.

    Args:
        content: plain data; keys are words, with `_` for `-`.
        lines: line of every entry, from 1, by the keys that lead to it.
        mistakes: keys that are there twice, numbers that YAML reads as others than they look.
    """

    content: Any
    lines: Mapping[Where, int] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()


def read_yaml(file: Path) -> Document:
    """Read a YAML file.

    Args:
        file: of at most 200 kB, in UTF-8.

    Raises:
        SpaceError: when it cannot be read or is no plain YAML.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SpaceError(f"{file} cannot be read ({error}).") from error
    if len(raw) > MAX_BYTES:
        raise SpaceError(f"{file} has more than {MAX_BYTES // 1000} kB; is it the right file?")
    try:
        return document_of(text)
    except SpaceError as error:
        raise SpaceError(f"{file} is no valid YAML: {error}") from None


def document_of(text: str) -> Document:
    """Read a YAML text by the safe loader's rules.

    Aliases may repeat an entry, but not so often that a small text becomes a large document.

    Args:
        text: one document.

    Raises:
        SpaceError: for what is no YAML, for tags of Python objects, for more than 10,000 entries
            or 20 levels.

    >>> document_of("space:" + chr(10) + "  lr: {low: 0.1}").lines[("space", "lr", "low")]
    2
    """
    import yaml

    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        reader = _Reader(loader)
        content = None if node is None else reader.plain(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        raise SpaceError(f"{place}{error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise SpaceError(f"{error}.") from None
    except RecursionError:
        raise SpaceError("brackets within brackets without end.") from None
    finally:
        loader.dispose()
    return Document(content, reader.lines, tuple(reader.mistakes))


class _Reader:
    """Turns nodes, which know their lines, into plain data."""

    def __init__(self, loader: Any) -> None:
        self.lines: dict[Where, int] = {}
        self.mistakes: list[Mistake] = []
        self._loader, self._n_entries = loader, 0

    def plain(self, node: Any, where: Where) -> Any:
        self._n_entries += 1
        line = node.start_mark.line + 1
        if self._n_entries > MAX_ENTRIES or len(where) > MAX_DEPTH:
            raise SpaceError(
                f"line {line}: more than {MAX_ENTRIES} entries, or {MAX_DEPTH} levels of them, "
                "repeated ones counted."
            )
        self.lines.setdefault(where, line)
        if node.id == "scalar":
            return self._scalar(node, where)
        if node.tag not in (f"{_PLAIN}map", f"{_PLAIN}seq"):
            raise SpaceError(f"line {line}: the tag {node.tag!r} is not read here.")
        if node.id == "mapping":
            return self._mapping(node, where)
        return [self.plain(child, (*where, place)) for place, child in enumerate(node.value)]

    def _mapping(self, node: Any, where: Where) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.id != "scalar" or key_node.tag == _MERGE:
                text = f"line {line}: wanted a plain word as the key; merges (<<) are not read."
                raise SpaceError(text)
            # As written, so that `on` and `no` are names like any other.
            key = str(key_node.value).replace("-", "_")
            path = (*where, key)
            if key in found:
                text = f"{key!r} is given twice, first in line {self.lines[path]}."
                self.mistakes.append(Mistake((*path, "again"), text))
                self.lines[(*path, "again")] = line
                continue
            self.lines[path] = line
            found[key] = self.plain(value_node, path)
        return found

    def _scalar(self, node: Any, where: Where) -> Any:
        name = ".".join(map(str, where))
        try:
            value = self._loader.construct_object(node)
        except ValueError as error:  # the 30th of February, a number of 5000 digits
            self.mistakes.append(Mistake(where, f"{name}: got {_short(node)}; {error}."))
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._check_number(node, value, where, name)
        elif value is not None and not isinstance(value, str | bool):
            kind = type(value).__name__
            text = f"{name}: got {_short(node)}, which YAML reads as a {kind}; put it in quotes."
            self.mistakes.append(Mistake(where, text))
        return value

    def _check_number(self, node: Any, value: float, where: Where, name: str) -> None:
        """YAML reads 010 as 8 and 1:30 as 90."""
        text = str(node.value).lower().replace(".inf", "inf").replace(".nan", "nan")
        try:
            same = type(value)(text) == value or value != value
        except ValueError:
            same = False
        if not same:
            text = f"{name}: got {_short(node)}, which YAML reads as {value}; write it plainly."
            self.mistakes.append(Mistake(where, text))


def _short(node: Any) -> str:
    text = str(node.value)
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
