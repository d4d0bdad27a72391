"""One layer of a preset: what a user changes of the space below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from search_spaces.errors import SpaceError
from search_spaces.mistakes import Mistake, Where, told
from search_spaces.naming import nearest
from search_spaces.overriding import examined
from search_spaces.possible import check_value
from search_spaces.space import SearchSpace

_KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "extends": (lambda v: isinstance(v, str), "a preset's name, or another FILE.yaml"),
    "method": (lambda v: isinstance(v, str), "the name of a method"),
    "optimizer": (lambda v: isinstance(v, str), "adamw, sgd or lars"),
    "about": (lambda v: isinstance(v, str), "a line of text"),
    "space": (lambda v: isinstance(v, dict), "`NAME: {low: …, high: …}` lines"),
    "search": (
        lambda v: isinstance(v, list) and all(isinstance(name, str) for name in v),
        "a list of names",
    ),
    "search_views": (lambda v: isinstance(v, bool), "true or false"),
    "fix": (lambda v: isinstance(v, dict), "`NAME: VALUE` lines"),
}


@dataclass
class Layer:
    """One layer.

    Args:
        name: of its file, for messages.
        values: what it says, by key: those of `read_layer`.
        lines: line of every entry by the keys that lead to it; empty for one from no file.
        mistakes: all that is wrong with it, as far as is known.
    """

    name: str
    values: dict[str, Any]
    lines: Mapping[Where, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def named(self) -> list[str]:
        """The hyperparameters that it says something of."""
        parts = (self.values.get(key, ()) for key in ("space", "search", "fix"))
        return [name for part in parts for name in part]

    def told(self) -> str:
        """Return its mistakes as a message; empty without any."""
        if not self.mistakes:
            return ""
        if self.lines:
            return told(self.name, self.mistakes, self.lines)
        return "\n".join(f"{self.name}: {mistake.text}" for mistake in self.mistakes)

    def on(self, space: SearchSpace) -> SearchSpace:
        """Return a space with the changes of this layer; what is wrong goes to `mistakes`.

        Args:
            space: as the layers below leave it.
        """
        for name, change in self.values.get("space", {}).items():
            space = self._overridden(space, name, change)
        for place, name in enumerate(self.values.get("search", [])):
            try:
                space = space.search([name])
            except SpaceError as error:
                self.mistakes.append(Mistake(("search", place), f"search: {error}"))
            if name in self.values.get("fix", {}):
                text = f"search: {name!r} is to be searched and to be fixed; leave out one of them."
                self.mistakes.append(Mistake(("search", place), text))
        return self._frozen(space)

    def _overridden(self, space: SearchSpace, name: str, change: object) -> SearchSpace:
        dimension = space.dimensions.get(name) or space.held.get(name)
        wrong: list[Mistake] = []
        if dimension is not None:
            _, wrong = examined(name, dimension, change)
        for mistake in wrong:
            text = f"space: {name}: {mistake.text}"
            self.mistakes.append(Mistake(("space", name, *mistake.where), text))
        if wrong:
            return space
        try:
            return space.override({name: change})
        except SpaceError as error:
            self.mistakes.append(Mistake(("space", name), f"space: {error}"))
            return space

    def _frozen(self, space: SearchSpace) -> SearchSpace:
        fixed = {}
        for name, value in self.values.get("fix", {}).items():
            dimension = space.dimensions.get(name) or space.held.get(name)
            read = _number_or_word(value)
            try:
                if dimension is None and name not in space.fixed:
                    space.freeze({name: read})
                check_value(name, read, dimension, space.fixed.get(name))
                fixed[name] = read
            except SpaceError as error:
                self.mistakes.append(Mistake(("fix", name), f"fix: {error}"))
        if not fixed:
            return space
        try:
            # Together: what one of them breaks another one may mend.
            return space.freeze(fixed)
        except SpaceError as error:
            self.mistakes.append(Mistake(("fix",), f"fix: {error}"))
            return space


def read_layer(
    name: str,
    content: object,
    lines: Mapping[Where, int] | None = None,
    mistakes: tuple[Mistake, ...] = (),
) -> Layer:
    """Read one layer, keeping what is of the right kind.

    Args:
        name: of its file, for messages.
        content: plain data: `extends`, `method`, `optimizer`, `about`, `space`, `search`,
            `search_views`, `fix`.
        lines: line of every entry.
        mistakes: that reading it found.

    Raises:
        SpaceError: when it is no mapping.
    """
    if content is None:
        content = {}
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise SpaceError(f"{name}: holds a {kind}; wanted lines such as `space:` and `fix:`.")
    layer = Layer(name, {}, lines or {}, list(mistakes))
    for key, value in content.items():
        if key not in _KINDS:
            layer.mistakes.append(Mistake((key,), f"unknown key {key!r}. {nearest(key, _KINDS)}"))
            continue
        fits, wanted = _KINDS[key]
        if value is None:
            continue  # `space:` with nothing below it
        if fits(value):
            layer.values[key] = value
        else:
            layer.mistakes.append(Mistake((key,), f"{key}: got {value!r}; wanted {wanted}."))
    return layer


def _number_or_word(value: Any) -> Any:
    """YAML reads 1e-3 (no dot) as a word."""
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value
