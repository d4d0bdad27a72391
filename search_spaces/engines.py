"""Dimensions in the words of Optuna and of Ray Tune; neither is loaded before it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from search_spaces.dimensions import Categorical, Dimension, Float, Value

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

Range = tuple[float, float]


def optuna_distribution(dimension: Dimension, ends: Range | None = None) -> BaseDistribution:
    """Return a dimension as Optuna has it.

    Args:
        dimension: what to convert.
        ends: of a range that is narrower than the dimension's own; None for its own.
    """
    from optuna import distributions

    if isinstance(dimension, Categorical):
        return distributions.CategoricalDistribution(dimension.choices)
    low, high = ends or (dimension.low, dimension.high)
    if isinstance(dimension, Float):
        return distributions.FloatDistribution(low, high, log=dimension.log)
    return distributions.IntDistribution(int(low), int(high), log=dimension.log)


def optuna_suggestion(
    trial: Trial, name: str, dimension: Dimension, ends: Range | None = None
) -> Value:
    """Ask a trial for a value; the arguments are those of `optuna_distribution`."""
    if isinstance(dimension, Categorical):
        return cast(Value, trial.suggest_categorical(name, dimension.choices))
    low, high = ends or (dimension.low, dimension.high)
    if isinstance(dimension, Float):
        return trial.suggest_float(name, low, high, log=dimension.log)
    return trial.suggest_int(name, int(low), int(high), log=dimension.log)


def ray_domain(dimension: Dimension, ends: Range | None = None) -> Any:
    """Return a dimension as Ray Tune has it; the arguments are those of `optuna_distribution`."""
    from ray import tune

    if isinstance(dimension, Categorical):
        return tune.choice(list(dimension.choices))
    low, high = ends or (dimension.low, dimension.high)
    if isinstance(dimension, Float):
        return (tune.loguniform if dimension.log else tune.uniform)(low, high)
    draw = tune.lograndint if dimension.log else tune.randint
    return draw(int(low), int(high) + 1)  # Ray leaves the upper end out


def ray_dependent(needs: tuple[str, ...], draw: Callable[[Mapping[str, Value]], Any]) -> Any:
    """Return a Ray domain that is drawn after others.

    Args:
        needs: the others.
        draw: from the others' values to a value, or to a domain to draw from.
    """
    from ray import tune
    from ray.tune.search.sample import Domain

    def sample(spec: Any) -> Any:
        config = getattr(spec, "config", spec)
        # By attribute: that is how Ray notices that one of them has yet to be drawn.
        drawn = draw({name: getattr(config, name) for name in needs})
        return drawn.sample() if isinstance(drawn, Domain) else drawn

    return tune.sample_from(sample)
