"""Ranges, choices and defaults that a user gives, in Python or in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from search_spaces.dimensions import Categorical, Dimension, Float, Int, Value, is_finite_number
from search_spaces.errors import SpaceError
from search_spaces.naming import nearest


def gives_range(change: object) -> bool:
    """Whether a change says where to look, not only what the default is.

    >>> gives_range([1, 2]), gives_range({"default": 1})
    (True, False)
    """
    return not isinstance(change, Mapping) or set(change) != {"default"}


def overridden(name: str, dimension: Dimension, change: object) -> Dimension:
    """Return a dimension with another range, other choices or another default.

    Args:
        name: of the hyperparameter, for messages.
        dimension: as it is.
        change: a list of choices, or a mapping of `low`, `high`, `default`, `log` or `choices`.
            Choices without a default keep the old one where it is among them; else the nearest
            number, or the first word, is the default.

    Raises:
        SpaceError: for anything else, with what was wanted.

    >>> overridden("queue", Categorical((256, 1024), default=1024), [64, 256]).default
    256
    """
    if isinstance(change, list | tuple):
        change = {"choices": change}
    if not isinstance(change, Mapping):
        raise SpaceError(
            f"{name}: got {change!r}; a range is given as {{low: …, high: …}} and choices as a "
            f"list. To keep it at one value, use fix ({name}={change}) instead."
        )
    if not change:
        raise SpaceError(f"{name}: got nothing; wanted low, high, default, log or choices.")
    given = {str(key): value for key, value in change.items()}
    try:
        if isinstance(dimension, Categorical) or "choices" in given:
            return _choices(dimension, given)
        return _range(dimension, given)
    except SpaceError as error:
        raise SpaceError(f"{name}: {error}") from None


def _range(dimension: Float | Int, given: dict[str, Any]) -> Dimension:
    _refuse_unknown(given, ("low", "high", "default", "log"))
    numbers: dict[str, Any] = {
        key: _number(key, value) for key, value in given.items() if key != "log"
    }
    if not isinstance(given.get("log", False), bool):
        raise SpaceError(f"log: got {given['log']!r}; wanted true or false.")
    ends = {key: numbers.get(key, getattr(dimension, key)) for key in ("low", "high", "default")}
    if "default" not in given and not ends["low"] <= ends["default"] <= ends["high"]:
        raise SpaceError(
            f"its default {ends['default']} is not in [{ends['low']}, {ends['high']}]; give a "
            "default too."
        )
    return replace(dimension, **numbers, log=given.get("log", dimension.log))


def _refuse_unknown(given: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise SpaceError(f"unknown key {key!r}. {nearest(key, known)}")


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


def _choices(dimension: Dimension, given: dict[str, Any]) -> Categorical:
    _refuse_unknown(given, ("choices", "default"))
    old = dimension.choices if isinstance(dimension, Categorical) else ()
    raw = given.get("choices", old)
    if isinstance(raw, str) or not isinstance(raw, list | tuple):
        raise SpaceError(f"choices: got {raw!r}; wanted a list.")
    choices = tuple(_choice(value, dimension) for value in raw)
    if "default" in given:
        default = _choice(given["default"], dimension)
    else:
        default = _default(choices, dimension.default)
    if isinstance(dimension, Categorical):
        return replace(dimension, choices=choices, default=default)
    kept = {k: getattr(dimension, k) for k in ("unit", "source", "collapses", "held", "when")}
    return Categorical(choices, default=default, **kept)


def _choice(value: object, dimension: Dimension) -> Value:
    """A choice of the same kind as the others: the words among them, or numbers."""
    of_choices = dimension.choices if isinstance(dimension, Categorical) else (0.0,)
    words = [c for c in of_choices if isinstance(c, str)]
    if isinstance(value, str) and value not in words:
        if len(words) == len(of_choices):
            return value
        return _number("choices", value)  # type: ignore[return-value]
    if isinstance(value, str) or (is_finite_number(value) and len(words) < len(of_choices)):
        return value  # type: ignore[return-value]
    hint = " YAML reads on, off, yes and no as truth values: quote them." * isinstance(value, bool)
    wanted = f"words such as {words[-1]!r}" if words else "finite numbers"
    raise SpaceError(f"choices: got {value!r}; wanted {wanted}.{hint}")


def _default(choices: tuple[Value, ...], old: Value) -> Value:
    if old in choices or not choices:
        return old
    numbers = [c for c in choices if not isinstance(c, str)]
    if numbers and not isinstance(old, str):
        return min(numbers, key=lambda choice: abs(choice - old))
    return choices[0]
