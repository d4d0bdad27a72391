"""Which values may be fixed, and whether what is left can go together."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from search_spaces.constraints import Constraint
from search_spaces.dimensions import Categorical, Dimension, Int, Value, is_finite_number
from search_spaces.errors import SpaceError


def possible(dimension: Dimension) -> tuple[Value, ...]:
    """Return the choices of a dimension, or the ends of its range.

    >>> possible(Categorical((16, 32), default=16))
    (16, 32)
    """
    if isinstance(dimension, Categorical):
        return dimension.choices
    return dimension.low, dimension.high


def check_possible(
    constraint: Constraint, dimensions: Mapping[str, Dimension], fixed: Mapping[str, Value]
) -> None:
    """Check that a search can keep a constraint: ranges can be narrowed, choices cannot.

    Args:
        constraint: between two names.
        dimensions: what varies.
        fixed: what does not.

    Raises:
        SpaceError: with the values that cannot go together.
    """
    names = constraint.names
    values = [possible(dimensions[n]) if n in dimensions else (fixed[n],) for n in names]
    pairs = [dict(zip(names, pair, strict=True)) for pair in product(*values)]
    wrong = [pair for pair in pairs if not constraint.holds(pair)]
    choices = any(isinstance(dimensions.get(name), Categorical) for name in names)
    if not wrong or (len(wrong) < len(pairs) and not choices):
        return
    shown = "; ".join(", ".join(f"{n}={v}" for n, v in pair.items()) for pair in wrong[:3])
    raise SpaceError(
        f"{names[0]}, {names[1]}: wanted {constraint}, which does not hold for {shown}. Fix one of "
        "the two at another value, or give choices or ranges that all go together."
    )


def check_value(name: str, value: Value, dimension: Dimension | None, current: object) -> None:
    """Check that a value may be fixed.

    Args:
        name: of the hyperparameter.
        value: to fix it at.
        dimension: its range or choices; None where there are none.
        current: the value it is fixed at now, if it is.

    Raises:
        SpaceError: for a value of the wrong kind, or one that means nothing.
    """
    if isinstance(dimension, Categorical):
        _check_kind(name, value, dimension.choices)
        return
    if dimension is None:
        _check_kind(name, value, (current if isinstance(current, str) else 0.0,))
        return
    if not is_finite_number(value):
        raise SpaceError(f"{name}: got {value!r}; wanted a finite number.")
    if isinstance(dimension, Int) and not isinstance(value, int):
        raise SpaceError(f"{name}: got {value!r}; wanted a whole number.")
    least, most = dimension.least, dimension.most
    if (least is not None and value < least) or (most is not None and value > most):  # type: ignore[operator]
        ends = f"[{'-inf' if least is None else least}, {'inf' if most is None else most}]"
        raise SpaceError(f"{name}: got {value!r}; only values in {ends} mean anything.")


def _check_kind(name: str, value: object, like: tuple[object, ...]) -> None:
    """A word where there are words, a number where there are numbers, whole where all are."""
    words = [v for v in like if isinstance(v, str)]
    numbers = [v for v in like if not isinstance(v, str)]
    whole = bool(numbers) and all(isinstance(v, int) for v in numbers)
    if isinstance(value, str) and words:
        return
    fits = isinstance(value, int) and not isinstance(value, bool) if whole else numbers
    if numbers and is_finite_number(value) and fits:
        return
    kinds = ["a whole number" if whole else "a finite number"] * bool(numbers)
    kinds += [f"a word such as {word!r}" for word in words[-1:]]
    hint = " YAML reads on, off, yes and no as truth values: quote them." * isinstance(value, bool)
    raise SpaceError(f"{name}: got {value!r}; wanted {' or '.join(kinds)}.{hint}")
