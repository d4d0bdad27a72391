"""In which order hyperparameters are drawn, and what those before leave of each range."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from search_spaces.constraints import Constraint, narrowed
from search_spaces.dimensions import Categorical, Dimension, Value
from search_spaces.errors import SpaceError
from search_spaces.possible import possible


def drawing_order(dimensions: Mapping[str, Dimension]) -> Iterator[str]:
    """Yield names as written, but none before the one that its condition is about.

    Raises:
        SpaceError: when conditions go round in a circle.
    """
    waiting = dict(dimensions)
    while waiting:
        ready = [n for n, d in waiting.items() if d.when is None or d.when.name not in waiting]
        if not ready:
            raise SpaceError(f"{', '.join(waiting)}: each is conditional on another of them.")
        yield ready[0]
        del waiting[ready[0]]


def drawn_before(
    name: str,
    dimensions: Mapping[str, Dimension],
    constraints: tuple[Constraint, ...],
    *,
    drawn: Collection[str],
) -> tuple[str, ...]:
    """Return which of the names drawn so far a dimension depends on.

    Args:
        name: of the dimension.
        dimensions: all that vary.
        constraints: between them.
        drawn: names that come before.
    """
    joined = [n for c in constraints if name in c.names for n in c.names if n != name]
    when = dimensions[name].when
    return tuple(n for n in (*joined, *([] if when is None else [when.name])) if n in drawn)


def ends_given(
    name: str,
    dimensions: Mapping[str, Dimension],
    constraints: tuple[Constraint, ...],
    known: Mapping[str, Value],
) -> tuple[float, float] | None:
    """Return what the values known so far leave of a range; None for choices.

    Args:
        name: of the dimension.
        dimensions: all that vary.
        constraints: between them and what is fixed.
        known: values drawn or fixed so far.

    Raises:
        SpaceError: when nothing is left.
    """
    dimension = dimensions[name]
    if isinstance(dimension, Categorical):
        return None

    def ends(other: str) -> tuple[float, float]:
        values = (known[other],) if other in known else possible(dimensions[other])
        numbers = [float(value) for value in values]
        return min(numbers), max(numbers)

    low, high = narrowed(name, dimension, constraints, ends)
    if low > high:
        rules = ", ".join(str(c) for c in constraints if name in c.names)
        raise SpaceError(f"{name}: {rules} leaves nothing of its range, given {dict(known)}.")
    return low, high
