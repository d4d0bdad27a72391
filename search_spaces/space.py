"""A search space: what varies, what is held, what is fixed, and what must hold between them.

Pure data. Optuna and Ray Tune are imported only by the methods that speak to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from search_spaces.constraints import Constraint
from search_spaces.dimensions import Categorical, Dimension, Value
from search_spaces.drawing import drawing_order, drawn_before, ends_given
from search_spaces.engines import optuna_distribution, optuna_suggestion, ray_dependent, ray_domain
from search_spaces.errors import SpaceError
from search_spaces.mistakes import Collected
from search_spaces.naming import nearest
from search_spaces.overriding import gives_range, overridden
from search_spaces.possible import check_possible, check_value
from search_spaces.view_options import of_the_views

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

FIXED = "fixed on purpose"


@dataclass(frozen=True)
class SearchSpace:
    """The named dimensions of one method's study.

    Args:
        method: name of the method.
        dimensions: what varies, by name. Those with a reason to be held are moved to `held`.
        fixed: values of what does not vary, by name; a frozen dimension ends up here, and so does
            the default of a held one.
        held: dimensions that could vary and do not, each with the reason in its `held`.
        constraints: what must hold between two of them.

    Raises:
        SpaceError: for conditions or constraints on names that are not there.

    >>> from search_spaces import Float
    >>> space = SearchSpace("m", {"lr": Float(1e-4, 1e-2, default=1e-3, log=True)})
    >>> space.freeze({"lr": 10.0}).fixed
    {'lr': 10.0}
    """

    method: str
    dimensions: Mapping[str, Dimension]
    fixed: Mapping[str, Value] = field(default_factory=dict)
    held: Mapping[str, Dimension] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()

    def __post_init__(self) -> None:
        every = {**self.held, **self.dimensions}
        held = {name: d for name, d in every.items() if d.held}
        varies = {name: d for name, d in every.items() if not d.held}
        defaults = {name: d.default for name, d in held.items()}
        object.__setattr__(self, "dimensions", varies)
        object.__setattr__(self, "held", held)
        object.__setattr__(self, "fixed", {**defaults, **self.fixed})
        asked = [d.when.name for d in every.values() if d.when is not None]
        for name in [*asked, *(name for c in self.constraints for name in c.names)]:
            self._dimension(name, known=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self.dimensions)

    @property
    def defaults(self) -> dict[str, Value]:
        """The defaults of what varies."""
        return {name: dimension.default for name, dimension in self.dimensions.items()}

    def freeze(self, values: Mapping[str, Value]) -> SearchSpace:
        """Fix some dimensions, and check that what is left goes together.

        A frozen value may lie outside the range or the choices: they say where a search should
        look, not what may be tried on purpose.

        Raises:
            SpaceError: for names the space does not have, values of the wrong kind (all at once),
                or fixed values and choices that no trial could go together with.
        """
        tried = Collected()
        for name, value in values.items():
            with tried.one():
                check_value(name, value, self._dimension(name), self.fixed.get(name))
        tried.tell()
        ranges = {**self.held, **self.dimensions}
        frozen = {n: replace(ranges[n], held=FIXED) for n in values if n in ranges}
        left = {n: d for n, d in self.dimensions.items() if n not in values}
        space = replace(
            self, dimensions=left, held={**self.held, **frozen}, fixed={**self.fixed, **values}
        )
        return space.checked()

    def search(self, names: Iterable[str]) -> SearchSpace:
        """Let dimensions vary that are held or fixed; the others stay as they are.

        Raises:
            SpaceError: for names the space does not have, or without a range; all at once.

        >>> from search_spaces import get
        >>> "warmup_share" in get("simclr").search(["warmup_share"]).dimensions
        True
        """
        released, tried = {}, Collected()
        for name in names:
            with tried.one():
                released[name] = replace(self._ranged(name, "search"), held="")
        tried.tell()
        return replace(
            self,
            dimensions={**self.dimensions, **released},
            held={n: d for n, d in self.held.items() if n not in released},
            fixed={n: v for n, v in self.fixed.items() if n not in released},
        )

    def override(self, changes: Mapping[str, Any]) -> SearchSpace:
        """Change ranges, choices and defaults of some dimensions.

        Args:
            changes: by name: a mapping of `low`, `high`, `default`, `log` or `choices` (and
                perhaps `unit` and `source`), or a list of choices. A held dimension that gets a
                range or choices varies from then on; one that gets only a default stays held, at
                that value.

        Raises:
            SpaceError: for unknown names, unknown keys and impossible ranges; all at once.

        >>> from search_spaces import get
        >>> space = get("simclr").override({"temperature": {"low": 0.1}})
        >>> space.dimensions["temperature"].low
        0.1
        """
        space, tried = self, Collected()
        for name, change in changes.items():
            with tried.one():
                changed = overridden(name, space._ranged(name, "change"), change)
                if gives_range(change):
                    space = space.search([name])
                    changed = replace(changed, held="")
                fixed = {n: v for n, v in space.fixed.items() if n != name}
                space = replace(space, dimensions={**space.dimensions, name: changed}, fixed=fixed)
        tried.tell()
        return space

    def for_images(self, n_images: int) -> SearchSpace:
        """Leave out choices that are too large for so many training images.

        The smallest choice always stays; a default that has to go is replaced by the largest that
        is left. What was frozen on purpose is left alone.

        Args:
            n_images: images that a trial trains on.
        """
        space = self
        for name, d in {**self.dimensions, **self.held}.items():
            if not isinstance(d, Categorical) or d.share_of_images is None or d.held == FIXED:
                continue
            numbers = [c for c in d.choices if not isinstance(c, str)]
            largest = max(d.share_of_images * n_images, min(numbers))
            left = tuple(c for c in d.choices if isinstance(c, str) or c <= largest)
            fits = d.default in left
            default = d.default if fits else max(c for c in left if not isinstance(c, str))
            changed = replace(d, choices=left, default=default)
            fixed = {n: v for n, v in space.fixed.items() if n != name}
            space = replace(space, dimensions={**space.dimensions, name: changed}, fixed=fixed)
        return space

    def checked(self) -> SearchSpace:
        """Return the space itself once fixed values, choices and ranges are seen to go together.

        Raises:
            SpaceError: when a draw could break a constraint that no narrower range prevents.
        """
        for constraint in self.constraints:
            check_possible(constraint, self.dimensions, self.fixed)
        # A study begins with the defaults.
        self.check(self.defaults)
        return self

    def check(self, values: Mapping[str, Value]) -> None:
        """Check the values of one trial, those of what is fixed included.

        Raises:
            SpaceError: when they break a constraint.
        """
        known = {**self.fixed, **values}
        for constraint in self.constraints:
            if set(constraint.names) <= set(known) and not constraint.holds(known):
                got = " and ".join(f"{name}={known[name]!r}" for name in constraint.names)
                raise SpaceError(f"{constraint.names[0]}: got {got}; wanted {constraint}.")

    def to_optuna(self) -> dict[str, BaseDistribution]:
        """Return what varies as Optuna distributions, for `study.ask(...)`.

        These are the whole ranges: conditions and constraints are kept by `suggest` alone.
        """
        return {name: optuna_distribution(d) for name, d in self.dimensions.items()}

    def suggest(self, trial: Trial) -> dict[str, Value]:
        """Ask an Optuna trial for what varies, and add what is fixed.

        What does not count, given the values before it, is not asked for and gets its default.
        Where a constraint joins two ranges, the second is narrowed by the value of the first.

        Args:
            trial: running; values it was given before are kept.

        Returns:
            All hyperparameters by name.

        Raises:
            SpaceError: when values that the trial was given before break a constraint.
        """
        given = trial.params
        known = dict(self.checked().fixed)
        for name in drawing_order(self.dimensions):
            dimension = self.dimensions[name]
            if dimension.when is not None and not dimension.when.holds(known):
                known[name] = dimension.default
            elif name in given:
                known[name] = given[name]
            else:
                ends = ends_given(name, self.dimensions, self.constraints, known)
                known[name] = optuna_suggestion(trial, name, dimension, ends)
        self.check(known)
        return {name: known[name] for name in (*self.dimensions, *self.fixed)}

    def asked(self, params: Mapping[str, Value]) -> dict[str, BaseDistribution]:
        """Return what `suggest` asked a trial for, in its order, until it was interrupted.

        Args:
            params: what the trial was given so far.
        """
        found: dict[str, BaseDistribution] = {}
        known = dict(self.fixed)
        for name in drawing_order(self.dimensions):
            dimension = self.dimensions[name]
            if dimension.when is not None and not dimension.when.holds(known):
                known[name] = dimension.default
            elif name in params:
                found[name] = optuna_distribution(
                    dimension, ends_given(name, self.dimensions, self.constraints, known)
                )
                known[name] = params[name]
            else:
                break
        return found

    def to_ray(self) -> dict[str, Any]:
        """Return the space as Ray Tune's `param_space`, fixed values included.

        A dimension with a condition or a constraint is a `tune.sample_from` that is drawn after
        the one it depends on. Ray's own random search draws such; its other searchers refuse the
        space before anything is trained: `freeze` what depends on something else for them.
        Choices are drawn, so that a grid has some points twice; for each point once, put
        `tune.grid_search(list(dimension.choices))` in their place.
        """
        self.checked()
        space: dict[str, Any] = {}
        for name in drawing_order(self.dimensions):
            needs = drawn_before(name, self.dimensions, self.constraints, drawn=space)
            if needs:
                space[name] = ray_dependent(needs, partial(self._ray, name))
            else:
                space[name] = self._ray(name, {})
        return {**{name: space[name] for name in self.dimensions}, **self.fixed}

    def _ray(self, name: str, known: Mapping[str, Value]) -> Any:
        dimension, known = self.dimensions[name], {**self.fixed, **known}
        if dimension.when is not None and not dimension.when.holds(known):
            return dimension.default
        return ray_domain(dimension, ends_given(name, self.dimensions, self.constraints, known))

    def _ranged(self, name: str, wish: str) -> Dimension:
        dimension = self._dimension(name)
        if dimension is None:
            raise SpaceError(f"{name}: is fixed and has no range to {wish}.")
        return dimension

    def _dimension(self, name: str, *, known: bool = False) -> Dimension | None:
        """The dimension of a name; None for a fixed value without one."""
        found = self.dimensions.get(name) or self.held.get(name)
        if found is None and name not in self.fixed:
            names = {*self.dimensions, *self.held, *self.fixed}
            why = " A condition or a constraint names it." if known else ""
            raise SpaceError(
                f"{name!r} is no hyperparameter of {self.method}.{why} {nearest(name, names)}"
                f"{of_the_views(name)}"
            )
        return found
