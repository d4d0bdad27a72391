"""A search space of the user's own, in whichever form, suggested on a trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from hpo.errors import ConfigError
from hpo.suggestion import suggestion
from search_spaces import SearchSpace

Space = SearchSpace | Mapping[str, BaseDistribution]


def check_space(space: Space | None) -> None:
    """Refuse what no trial could suggest.

    Raises:
        ConfigError: for an entry that is no distribution of Optuna's.
        SpaceError: for a `SearchSpace` whose parts do not go together.
    """
    if isinstance(space, SearchSpace):
        space.checked()
        return
    for name, entry in (space or {}).items():
        if not isinstance(entry, FloatDistribution | IntDistribution | CategoricalDistribution):
            raise ConfigError(
                f"space: got {entry!r} for {name!r}; wanted a distribution of Optuna's, such as "
                "optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)."
            )


def suggest(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """Suggest all of a space.

    Args:
        trial: running.
        space: as checked.

    Returns:
        Values by name; what is fixed in a `SearchSpace` included.

    Raises:
        ConfigError: for an enqueued value of something that is not searched: Optuna would say
            nothing and never use it.
        SpaceError: for enqueued values that do not go together.
    """
    for name in trial._fixed_params:
        if name not in set(space):
            raise ConfigError(_not_searched(name, space))
    if isinstance(space, SearchSpace):
        return dict(space.suggest(trial))
    return {name: _suggested(trial, name, entry) for name, entry in space.items()}


def _suggested(trial: optuna.Trial, name: str, entry: BaseDistribution) -> Any:
    if isinstance(entry, FloatDistribution):
        return trial.suggest_float(name, entry.low, entry.high, step=entry.step, log=entry.log)
    if isinstance(entry, IntDistribution):
        return trial.suggest_int(name, entry.low, entry.high, step=entry.step, log=entry.log)
    if isinstance(entry, CategoricalDistribution):
        return trial.suggest_categorical(name, entry.choices)
    raise ConfigError(f"space: got {entry!r} for {name!r}; wanted a distribution of Optuna's.")


def _not_searched(name: str, space: Space) -> str:
    if isinstance(space, SearchSpace) and name in space.fixed:
        return (
            f"{name}: got it in an enqueued trial, and it is not searched; give search=[{name!r}] "
            "to search it, or fix it for all trials."
        )
    return f"{name}: got it in an enqueued trial, and it is not searched. {suggestion(name, space)}"
