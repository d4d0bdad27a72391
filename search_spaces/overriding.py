"""Ranges, choices and defaults that a user gives, in Python or in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from search_spaces.dimensions import Categorical, Dimension, Float, Int, Value, is_finite_number
from search_spaces.errors import SpaceError
from search_spaces.mistakes import Mistake
from search_spaces.naming import nearest

_WORDS = ("unit", "source")
_OF_RANGES = ("low", "high", "default", "log", *_WORDS)
_OF_CHOICES = ("choices", "default", *_WORDS)


def gives_range(change: object) -> bool:
    """Whether a change says where to look, not only what the default is.

    >>> gives_range([1, 2]), gives_range({"default": 1})
    (True, False)
    """
    return not isinstance(change, Mapping) or not set(change) <= {"default", *_WORDS}


def overridden(name: str, dimension: Dimension, change: object) -> Dimension:
    """Return a dimension with another range, other choices or another default.

    Args:
        name: of the hyperparameter, for messages.
        dimension: as it is.
        change: as `examined` takes it.

    Raises:
        SpaceError: for anything else: a line for each mistake, with what was wanted.

    >>> overridden("queue", Categorical((256, 1024), default=1024), [64, 256]).default
    256
    """
    changed, mistakes = examined(name, dimension, change)
    if mistakes:
        raise SpaceError("\n".join(f"{name}: {mistake.text}" for mistake in mistakes))
    return changed


def examined(name: str, dimension: Dimension, change: object) -> tuple[Dimension, list[Mistake]]:
    """Return a dimension as a user changes it, and all that is wrong with the change.

    Args:
        name: of the hyperparameter, for messages.
        dimension: as it is.
        change: a list of choices, or a mapping of `low`, `high`, `default`, `log` or `choices`,
            and perhaps `unit` and `source`. Choices without a default keep the old one where it
            is among them; else the nearest number, or the first word, is the default.

    Returns:
        The dimension as it was where anything is wrong.

    >>> [str(m.where) for m in examined("lr", Float(0, 1, default=0.5), {"low": "a", "hi": 2})[1]]
    ["('hi',)", "('low',)"]
    """
    if isinstance(change, list | tuple):
        changed, mistakes = examined(name, dimension, {"choices": change})
        # A list on its own has no key `choices` to lead to it.
        shorter = [m.where[1:] if m.where[:1] == ("choices",) else m.where for m in mistakes]
        return changed, [Mistake(w, m.text) for w, m in zip(shorter, mistakes, strict=True)]
    if not isinstance(change, Mapping) and change is not None:
        text = (
            f"got {change!r}; a range is given as {{low: …, high: …}} and choices as a list. "
            f"To keep it at one value, use fix ({name}={change}) instead."
        )
        return dimension, [Mistake((), text)]
    if not change:
        wanted = "wanted low, high, default, log or choices"
        return dimension, [Mistake((), f"got nothing; {wanted}.")]
    given = {str(key): value for key, value in change.items()}
    of_choices = isinstance(dimension, Categorical) or "choices" in given
    mistakes = _unknown(given, _OF_CHOICES if of_choices else _OF_RANGES)
    try:
        changed = (_choices if of_choices else _range)(dimension, given, mistakes)
    except SpaceError as error:
        key = str(error).partition(":")[0].partition(",")[0]
        return dimension, [*mistakes, Mistake((key,), str(error))]
    return (dimension if mistakes else changed), mistakes


def _unknown(given: Mapping[str, Any], known: tuple[str, ...]) -> list[Mistake]:
    mistakes = [
        Mistake((key,), f"unknown key {key!r}. {_instead(key, known)}")
        for key in given
        if key not in known
    ]
    for key in _WORDS:
        if not isinstance(given.get(key, ""), str):
            text = f"{key}: got {given[key]!r}; wanted words. Put them in quotes."
            mistakes.append(Mistake((key,), text))
    return mistakes


def _instead(key: str, known: tuple[str, ...]) -> str:
    if key == "step":
        return "A range has no steps: give choices as a list."
    return nearest(key, known)


def _range(dimension: Any, given: dict[str, Any], mistakes: list[Mistake]) -> Dimension:
    numbers: dict[str, Any] = {}
    wrong: list[Mistake] = []
    for key in ("low", "high", "default"):
        if key in given:
            try:
                numbers[key] = _number(key, given[key])
            except SpaceError as error:
                wrong.append(Mistake((key,), str(error)))
    if not isinstance(given.get("log", False), bool):
        text = f"log: got {given['log']!r}; wanted true or false."
        wrong.append(Mistake(("log",), text))
    mistakes += wrong
    if wrong:
        return dimension  # type: ignore[no-any-return]
    ends = {key: numbers.get(key, getattr(dimension, key)) for key in ("low", "high", "default")}
    if "default" not in given and ends["low"] < ends["high"]:
        _check_old_default(ends)
    words = {key: given[key] for key in _WORDS if isinstance(given.get(key), str)}
    changed: Float | Int = replace(
        dimension, **numbers, **words, log=given.get("log", dimension.log)
    )
    return changed


def _check_old_default(ends: Mapping[str, Any]) -> None:
    if not ends["low"] <= ends["default"] <= ends["high"]:
        raise SpaceError(
            f"its default {ends['default']} is not in [{ends['low']}, {ends['high']}]; give a "
            "default too, in a --preset FILE.yaml."
        )


def _number(key: str, value: object) -> object:
    """YAML reads 1e-3 (no dot) as a word."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise SpaceError(f"{key}: got {value!r}; wanted a number.") from None
    if not is_finite_number(value):
        raise SpaceError(f"{key}: got {value!r}; wanted a finite number.")
    return value


def _choices(dimension: Dimension, given: dict[str, Any], mistakes: list[Mistake]) -> Dimension:
    old = dimension.choices if isinstance(dimension, Categorical) else ()
    raw = given.get("choices", old)
    if isinstance(raw, str) or not isinstance(raw, list | tuple):
        raise SpaceError(f"choices: got {raw!r}; wanted a list.")
    read: list[Value] = []
    for where, value in [(("choices", place), v) for place, v in enumerate(raw)]:
        try:
            read.append(_choice("choices", value, dimension))
        except SpaceError as error:
            mistakes.append(Mistake(where, str(error)))
    if mistakes:
        return dimension
    choices = tuple(read)
    if "default" in given:
        default = _choice("default", given["default"], dimension)
    else:
        default = _default(choices, dimension.default)
    words = {key: given[key] for key in _WORDS if key in given}
    if isinstance(dimension, Categorical):
        return replace(dimension, choices=choices, default=default, **words)
    kept = {k: getattr(dimension, k) for k in ("unit", "source", "collapses", "held", "when")}
    return Categorical(choices, default=default, **{**kept, **words})


def _choice(key: str, value: object, dimension: Dimension) -> Value:
    """A choice of the same kind as the others: the words among them, or numbers."""
    of_choices = dimension.choices if isinstance(dimension, Categorical) else (0.0,)
    words = [c for c in of_choices if isinstance(c, str)]
    if isinstance(value, str) and value not in words:
        if len(words) == len(of_choices):
            return value
        return _number(key, value)  # type: ignore[return-value]
    if isinstance(value, str) or (is_finite_number(value) and len(words) < len(of_choices)):
        return value  # type: ignore[return-value]
    hint = " YAML reads on, off, yes and no as truth values: quote them." * isinstance(value, bool)
    wanted = f"words such as {words[-1]!r}" if words else "finite numbers"
    raise SpaceError(f"{key}: got {value!r}; wanted {wanted}.{hint}")


def _default(choices: tuple[Value, ...], old: Value) -> Value:
    if old in choices or not choices:
        return old
    numbers = [c for c in choices if not isinstance(c, str)]
    if numbers and not isinstance(old, str):
        return min(numbers, key=lambda choice: abs(choice - old))
    return choices[0]
