"""The kinds of a hyperparameter: a range of reals, a range of whole numbers, a few choices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from search_spaces.errors import SpaceError

Value = float | int | str


@dataclass(frozen=True)
class When:
    """The condition under which a hyperparameter means anything.

    Args:
        name: of the hyperparameter it depends on.
        values: of that one under which this one is asked for.

    >>> When("local_objective", ("on",)).holds({"local_objective": "off"})
    False
    """

    name: str
    values: tuple[Value, ...]

    def holds(self, known: Mapping[str, Value]) -> bool:
        """Whether the hyperparameter counts, given the values known so far."""
        return known.get(self.name) in self.values

    def __str__(self) -> str:
        return f"{self.name} is {' or '.join(map(str, self.values))}"


@dataclass(frozen=True)
class Float:
    """A real hyperparameter in [low, high].

    Args:
        low: smallest value.
        high: largest value, > low.
        default: value of a plain good run, within the range.
        log: whether the logarithm is what varies evenly; needs low > 0.
        unit: what one unit of it is.
        source: where range and default come from: the published values.
        collapses: what is known to kill a run at which end.
        held: why it is not varied unless asked for; empty for one that is.
        when: the condition under which it counts; None for always.
        least: smallest value that means anything, for ranges that are widened; None for no limit
            of a logarithmic range, and for the range's own end of any other.
        most: likewise the largest.

    Raises:
        SpaceError: for a range that is not one.

    >>> Float(0.05, 1.0, default=0.2, log=True).contains(0.5)
    True
    """

    low: float
    high: float
    default: float
    log: bool = False
    unit: str = "1"
    source: str = ""
    collapses: str = ""
    held: str = ""
    when: When | None = None
    least: float | None = None
    most: float | None = None
    kind: ClassVar[str] = "float"

    def __post_init__(self) -> None:
        _check_range(self)

    def contains(self, value: Value) -> bool:
        """Whether a value is a number in the range."""
        return is_finite_number(value) and self.low <= float(value) <= self.high


@dataclass(frozen=True)
class Int:
    """A whole-number hyperparameter in [low, high]; the arguments are those of `Float`.

    >>> Int(1, 8, default=2).contains(9)
    False
    """

    low: int
    high: int
    default: int
    log: bool = False
    unit: str = "1"
    source: str = ""
    collapses: str = ""
    held: str = ""
    when: When | None = None
    least: int | None = None
    most: int | None = None
    kind: ClassVar[str] = "int"

    def __post_init__(self) -> None:
        _check_range(self)
        ends = (self.low, self.high, self.default)
        if not all(isinstance(end, int) and not isinstance(end, bool) for end in ends):
            raise SpaceError(f"low, high, default: got {ends!r}; wanted whole numbers.")

    def contains(self, value: Value) -> bool:
        """Whether a value is a whole number in the range."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= int(value) <= self.high


@dataclass(frozen=True)
class Categorical:
    """A hyperparameter that takes one of a few values.

    Args:
        choices: the values, at least one.
        default: of a plain good run, one of them.
        unit: what one unit of it is.
        source: where choices and default come from.
        collapses: what is known to kill a run.
        held: why it is not varied unless asked for; empty for one that is.
        when: the condition under which it counts; None for always.
        share_of_images: choices above this share of the training images are left out by
            `SearchSpace.for_images`; None for no limit.

    Raises:
        SpaceError: for no choices, choices that occur twice, or a default that is not one of them.

    >>> Categorical((64, 128), default=64).contains(128)
    True
    """

    choices: tuple[Value, ...]
    default: Value
    unit: str = "1"
    source: str = ""
    collapses: str = ""
    held: str = ""
    when: When | None = None
    share_of_images: float | None = None
    kind: ClassVar[str] = "categorical"

    def __post_init__(self) -> None:
        if not self.choices or self.default not in self.choices:
            raise SpaceError(
                f"choices: got {self.choices!r} with default {self.default!r}; wanted at least "
                "one choice and the default among them."
            )
        if len(set(self.choices)) < len(self.choices):
            raise SpaceError(f"choices: got {self.choices!r}; wanted each of them once.")

    def contains(self, value: Value) -> bool:
        """Whether a value is one of the choices."""
        return value in self.choices


Dimension = Float | Int | Categorical


def is_finite_number(value: object) -> bool:
    """Whether a value is a number, not a truth value, and finite.

    >>> is_finite_number(2), is_finite_number(True), is_finite_number("2")
    (True, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _check_range(dimension: Float | Int) -> None:
    low, high, default = dimension.low, dimension.high, dimension.default
    if not (is_finite_number(low) and is_finite_number(high) and low < high):
        raise SpaceError(f"low, high: got {low!r}, {high!r}; wanted finite numbers, low < high.")
    if dimension.log and low <= 0:
        raise SpaceError(f"low: got {low!r}; a logarithmic range wants low > 0.")
    if not (is_finite_number(default) and low <= default <= high):
        raise SpaceError(f"default: got {default!r}; wanted a value in [{low}, {high}].")
    if dimension.least is not None and low < dimension.least:
        raise SpaceError(f"low: got {low!r}; it means nothing below {dimension.least}.")
    if dimension.most is not None and high > dimension.most:
        raise SpaceError(f"high: got {high!r}; it means nothing above {dimension.most}.")
