"""Configurations of one space put into another: what fits, what is filled in, what is dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpo.warm_start.point import Point
from search_spaces import Categorical, Dimension, Int, SearchSpace, SpaceError
from search_spaces.dimensions import Value, is_finite_number


@dataclass(frozen=True)
class CarriedOver:
    """What became of the configurations of older studies.

    Args:
        points: those that fit, with a value for everything that varies; none twice.
        notes: what the user should know: what was filled in or dropped.
        mistakes: what does not fit, a line each, with what to do.
    """

    points: tuple[Point, ...]
    notes: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()


def carry_over(points: Sequence[Point], space: SearchSpace) -> CarriedOver:
    """Put configurations into a space.

    A hyperparameter that a configuration lacks gets the space's default; one that the space does
    not search is dropped, and it is said where the space holds it at another value.

    Args:
        points: of older studies, with all their hyperparameters.
        space: of the new study.

    >>> from search_spaces import Float
    >>> new = SearchSpace("m", {"lr": Float(0.1, 1.0, default=0.2)})
    >>> carry_over([Point("a", 3, {"lr": 0.5, "old": 1})], new).notes
    ('from a: old: is not searched here and is dropped.',)
    >>> carry_over([Point("a", 3, {"lr": 5.0})], new).mistakes[0]
    'from a: lr: 5.0 of trial 3 is not in [0.1, 1.0]; give --space lr=0.1..5.0.'
    """
    carried: list[Point] = []
    misfits: dict[tuple[str, str], list[Point]] = {}
    mistakes: list[str] = []
    for point in points:
        values, wrong = _fitted(point, space)
        for name in wrong:
            misfits.setdefault((point.source, name), []).append(point)
        broken = "" if wrong else _broken(values, space)
        if broken:
            mistakes.append(f"from {point.source}: trial {point.number}: {broken}")
        elif not wrong and all(values != other.values for other in carried):
            carried.append(Point(point.source, point.number, values))
    mistakes += [
        f"from {source}: {_misfit(name, space.dimensions[name], those)}"
        for (source, name), those in misfits.items()
    ]
    sources = dict.fromkeys(point.source for point in points)
    notes = [
        f"from {source}: {note}"
        for source in sources
        for note in _notes([p for p in points if p.source == source], space)
    ]
    return CarriedOver(tuple(carried), tuple(notes), tuple(mistakes))


def _fitted(point: Point, space: SearchSpace) -> tuple[dict[str, Value], list[str]]:
    """The values as the space has them, and the names of those that it has not."""
    values: dict[str, Value] = {}
    wrong: list[str] = []
    known = {**space.fixed, **space.defaults, **point.values}
    for name, dimension in space.dimensions.items():
        counts = dimension.when is None or dimension.when.holds(known)
        if name not in point.values or not counts:
            values[name] = dimension.default
            continue
        value = _value_in(dimension, point.values[name])
        if value is None:
            wrong.append(name)
        else:
            values[name] = value
    return values, wrong


def _broken(values: Mapping[str, Value], space: SearchSpace) -> str:
    try:
        space.check(values)
    except SpaceError as error:
        return str(error)
    return ""


def _value_in(dimension: Dimension, value: Value) -> Value | None:
    """The value as the dimension has it; None for one that it has not."""
    if isinstance(dimension, Categorical):
        same = [c for c in dimension.choices if c == value and not isinstance(value, bool)]
        return same[0] if same else None
    if not is_finite_number(value):
        return None
    if isinstance(dimension, Int):
        whole = int(value) if float(value).is_integer() else value
        return whole if dimension.contains(whole) else None
    return float(value) if dimension.contains(value) else None


def _misfit(name: str, dimension: Dimension, points: Sequence[Point]) -> str:
    """One line for all that is wrong with a hyperparameter, and the option that would take it."""
    values = [point.values[name] for point in points]
    each = ", ".join(f"{point.values[name]!r} of trial {point.number}" for point in points)
    got = f"{name}: {each} {'is' if len(points) == 1 else 'are'} not"
    if isinstance(dimension, Categorical):
        wanted = dict.fromkeys(map(str, (*dimension.choices, *values)))
        among = ", ".join(map(repr, dimension.choices))
        too_few = dimension.share_of_images is not None
        hint = ", or leave out that study where there are too few images for it" * too_few
        return f"{got} among {among}; give --space {name}={','.join(wanted)}{hint}."
    text = f"{got} in [{dimension.low!r}, {dimension.high!r}]"
    if not all(is_finite_number(value) for value in values):
        return f"{text}; leave out that study, or give --space {name} as choices."
    numbers = [float(value) for value in values]
    low, high = min(dimension.low, *numbers), max(dimension.high, *numbers)
    return f"{text}; give --space {name}={low!r}..{high!r}."


def _notes(points: Sequence[Point], space: SearchSpace) -> list[str]:
    """One line for each hyperparameter that not every point brings, or that some bring in vain."""
    notes = []
    for name, default in space.defaults.items():
        lacking = [str(point.number) for point in points if name not in point.values]
        if lacking:
            notes.append(f"{name}: trials {', '.join(lacking)} have none; they get {default!r}.")
    brought: Mapping[str, list[Value]] = {
        name: [point.values[name] for point in points if name in point.values]
        for name in dict.fromkeys(name for point in points for name in point.values)
        if name not in space.dimensions
    }
    for name, values in brought.items():
        there = ", ".join(dict.fromkeys(map(repr, values)))
        if name not in space.fixed:
            notes.append(f"{name}: is not searched here and is dropped.")
        elif any(value != space.fixed[name] for value in values):
            notes.append(f"{name}: {there} there, {space.fixed[name]!r} here, where it is fixed.")
    return notes
