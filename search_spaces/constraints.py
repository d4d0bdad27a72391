"""What the values of two hyperparameters must be to each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from search_spaces.dimensions import Float, Int, Value

Ends = Callable[[str], tuple[float, float]]


@dataclass(frozen=True)
class Below:
    """One hyperparameter is always smaller than another.

    Args:
        lower: name of the smaller one.
        upper: name of the larger one.

    >>> Below("teacher_temp", "student_temp").holds({"teacher_temp": 0.1, "student_temp": 0.1})
    False
    """

    lower: str
    upper: str

    @property
    def names(self) -> tuple[str, str]:
        """The two hyperparameters."""
        return self.lower, self.upper

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether two values may go together."""
        return float(values[self.lower]) < float(values[self.upper])

    def narrow(
        self, name: str, low: float, high: float, ends: Ends, *, whole: bool
    ) -> tuple[float, float]:
        """Return what the other one leaves of a range.

        Args:
            name: whose range it is.
            low: its smallest value.
            high: its largest.
            ends: smallest and largest value of the other one, the same twice once it is known.
            whole: whether the range is of whole numbers.
        """
        if name == self.lower:
            top = ends(self.upper)[1]
            return low, min(high, math.ceil(top) - 1 if whole else math.nextafter(top, -math.inf))
        bottom = ends(self.lower)[0]
        return max(low, math.floor(bottom) + 1 if whole else math.nextafter(bottom, math.inf)), high

    def __str__(self) -> str:
        return f"{self.lower} < {self.upper}"


@dataclass(frozen=True)
class AtLeast:
    """One hyperparameter is at least a multiple of another.

    Args:
        name: of the larger one.
        factor: > 0.
        of: name of the smaller one.

    >>> str(AtLeast("whitening_size", 2, "embedding_dim"))
    'whitening_size >= 2 x embedding_dim'
    """

    name: str
    factor: float
    of: str

    @property
    def names(self) -> tuple[str, str]:
        """The two hyperparameters."""
        return self.name, self.of

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether two values may go together."""
        return float(values[self.name]) >= self.factor * float(values[self.of])

    def narrow(
        self, name: str, low: float, high: float, ends: Ends, *, whole: bool
    ) -> tuple[float, float]:
        """Return what the other one leaves of a range; the arguments are those of `Below`."""
        if name == self.name:
            bottom = self.factor * ends(self.of)[0]
            return max(low, math.ceil(bottom) if whole else bottom), high
        top = ends(self.name)[1] / self.factor
        return low, min(high, math.floor(top) if whole else top)

    def __str__(self) -> str:
        return f"{self.name} >= {self.factor:g} x {self.of}"


Constraint = Below | AtLeast


def narrowed(
    name: str,
    dimension: Float | Int,
    constraints: tuple[Constraint, ...],
    ends: Ends,
) -> tuple[float, float]:
    """Return what constraints leave of a range; the ends are in the wrong order when nothing is."""
    low: float = dimension.low
    high: float = dimension.high
    for constraint in constraints:
        if name in constraint.names:
            whole = isinstance(dimension, Int)
            low, high = constraint.narrow(name, low, high, ends, whole=whole)
    return low, high
