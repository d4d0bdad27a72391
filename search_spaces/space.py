"""What may vary: dimensions with a range, a scale, a unit, a default and a source.

Pure data. Optuna and Ray Tune are imported only by the two methods that speak to them.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from search_spaces.errors import SpaceError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

Value = float | int | str


@dataclass(frozen=True)
class Float:
    """A real hyperparameter in [low, high].

    Args:
        low: smallest value.
        high: largest value, > low.
        default: value of a plain good run, within the range.
        log: whether the logarithm is what varies evenly; needs low > 0.
        unit: what one unit of it is.
        source: where range and default come from.
        collapses: what is known to kill a run at which end.

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
    kind: ClassVar[str] = "float"

    def __post_init__(self) -> None:
        _check_range(self)

    def contains(self, value: Value) -> bool:
        """Whether a value is a number in the range."""
        return _is_finite_number(value) and self.low <= float(value) <= self.high


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
    kind: ClassVar[str] = "int"

    def __post_init__(self) -> None:
        _check_range(self)
        ends = (self.low, self.high, self.default)
        if not all(isinstance(end, int) for end in ends):
            raise SpaceError(f"low, high, default: got {ends!r}; wanted whole numbers.")

    def contains(self, value: Value) -> bool:
        """Whether a value is a whole number in the range."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= int(value) <= self.high


@dataclass(frozen=True)
class Categorical:
    """A hyperparameter that takes one of a few values.

    >>> Categorical((64, 128), default=64).contains(128)
    True
    """

    choices: tuple[Value, ...]
    default: Value
    unit: str = "1"
    source: str = ""
    collapses: str = ""
    kind: ClassVar[str] = "categorical"

    def __post_init__(self) -> None:
        if not self.choices or self.default not in self.choices:
            raise SpaceError(
                f"choices: got {self.choices!r} with default {self.default!r}; wanted at least "
                "one choice and the default among them."
            )

    def contains(self, value: Value) -> bool:
        """Whether a value is one of the choices."""
        return value in self.choices


Dimension = Float | Int | Categorical


@dataclass(frozen=True)
class SearchSpace:
    """The named dimensions of one method's study.

    Args:
        method: name of the method.
        dimensions: what varies, by name.
        fixed: what does not, by name; a frozen dimension ends up here.

    >>> space = SearchSpace("m", {"lr": Float(1e-4, 1e-2, default=1e-3, log=True)})
    >>> space.freeze({"lr": 10.0}).fixed
    {'lr': 10.0}
    """

    method: str
    dimensions: Mapping[str, Dimension]
    fixed: Mapping[str, Value] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        return iter(self.dimensions)

    @property
    def defaults(self) -> dict[str, Value]:
        """The defaults of what varies."""
        return {name: dimension.default for name, dimension in self.dimensions.items()}

    def freeze(self, values: Mapping[str, Value]) -> SearchSpace:
        """Fix some dimensions.

        A frozen value may lie outside the range: the range says where a search should look,
        not what may be tried on purpose.

        Raises:
            SpaceError: for a name the space does not have, or a value that is no finite number
                for a numeric one.
        """
        for name, value in values.items():
            self._check_frozen(name, value)
        left = {n: d for n, d in self.dimensions.items() if n not in values}
        return replace(self, dimensions=left, fixed={**self.fixed, **values})

    def _check_frozen(self, name: str, value: Value) -> None:
        known = [*self.dimensions, *self.fixed]
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(known))}."
            raise SpaceError(f"{name!r} is no hyperparameter of {self.method}. {hint}")
        varies = isinstance(self.dimensions.get(name), Float | Int)
        numeric = varies or _is_finite_number(self.fixed.get(name))
        if numeric and not _is_finite_number(value):
            raise SpaceError(f"{name}: got {value!r}; wanted a finite number.")

    def to_optuna(self) -> dict[str, BaseDistribution]:
        """Return what varies as Optuna distributions, for `study.ask(...)`."""
        from optuna import distributions

        def convert(dimension: Dimension) -> BaseDistribution:
            if isinstance(dimension, Float):
                return distributions.FloatDistribution(
                    dimension.low, dimension.high, log=dimension.log
                )
            if isinstance(dimension, Int):
                return distributions.IntDistribution(
                    dimension.low, dimension.high, log=dimension.log
                )
            return distributions.CategoricalDistribution(dimension.choices)

        return {name: convert(dimension) for name, dimension in self.dimensions.items()}

    def suggest(self, trial: Trial) -> dict[str, Value]:
        """Ask an Optuna trial for what varies, and add what is fixed.

        Args:
            trial: running; values it was given before are kept.

        Returns:
            All hyperparameters by name.
        """
        suggested: dict[str, Value] = {}
        for name, dimension in self.dimensions.items():
            if isinstance(dimension, Float):
                suggested[name] = trial.suggest_float(
                    name, dimension.low, dimension.high, log=dimension.log
                )
            elif isinstance(dimension, Int):
                suggested[name] = trial.suggest_int(
                    name, dimension.low, dimension.high, log=dimension.log
                )
            else:
                chosen = trial.suggest_categorical(name, dimension.choices)
                suggested[name] = cast(Value, chosen)
        return {**suggested, **self.fixed}

    def to_ray(self) -> dict[str, Any]:
        """Return the space as Ray Tune's `param_space`, fixed values included."""
        from ray import tune

        def convert(dimension: Dimension) -> Any:
            if isinstance(dimension, Float):
                uniform = tune.loguniform if dimension.log else tune.uniform
                return uniform(dimension.low, dimension.high)
            if isinstance(dimension, Int):
                draw = tune.lograndint if dimension.log else tune.randint
                return draw(dimension.low, dimension.high + 1)  # Ray leaves the upper end out
            return tune.choice(list(dimension.choices))

        return {
            **{name: convert(dimension) for name, dimension in self.dimensions.items()},
            **self.fixed,
        }


def _is_finite_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _check_range(dimension: Float | Int) -> None:
    low, high, default = dimension.low, dimension.high, dimension.default
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise SpaceError(f"low, high: got {low!r}, {high!r}; wanted finite numbers, low < high.")
    if dimension.log and low <= 0:
        raise SpaceError(f"low: got {low!r}; a logarithmic range wants low > 0.")
    if not low <= default <= high:
        raise SpaceError(f"default: got {default!r}; wanted a value in [{low}, {high}].")
