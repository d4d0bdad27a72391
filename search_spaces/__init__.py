"""Search spaces: what may vary, one file a method. Importable in milliseconds, without torch.

>>> get("simclr").defaults["temperature"]
0.2
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from search_spaces import view_options
from search_spaces.constraints import AtLeast, Below, Constraint
from search_spaces.dimensions import Categorical, Dimension, Float, Int, Value, When
from search_spaces.errors import SearchSpacesError, SpaceError, UnknownMethodError
from search_spaces.naming import nearest
from search_spaces.optimizers import optimizer_dimensions
from search_spaces.preset import GENERAL_PRESETS, Preset, with_preset
from search_spaces.space import SearchSpace

_METHODS = (
    "barlow_twins", "byol", "dcl", "dclw", "dino", "directclr", "fastsiam", "frossl",
    "hypersphere", "ijepa", "lejepa", "macl", "mae", "mmcr", "mocov2", "mocov3", "nnclr", "simclr",
    "simsiam", "swav", "tico", "vicreg", "visreg", "wmse",
)  # fmt: skip


def method_names() -> list[str]:
    """Return the methods that have a space, sorted.

    >>> method_names()[:4]
    ['barlow_twins', 'byol', 'dcl', 'dclw']
    """
    return list(_METHODS)


def get(
    method: str,
    *,
    optimizer: str = "adamw",
    preset: str = "default",
    dimensions: Mapping[str, Dimension] | None = None,
    views: bool = False,
) -> SearchSpace:
    """Return the search space of a method.

    Args:
        method: one of `method_names()`, or any name for one of the user's own.
        optimizer: "adamw", "sgd" or "lars"; ranges of `lr` and `weight_decay` follow it.
        preset: one of `presets(method)`.
        dimensions: those of a method of the user's own; None for one that comes along.
        views: whether the options of the views vary too, as they are in every preset.

    Raises:
        UnknownMethodError: for a method without a space, with the nearest name.
        SpaceError: for an unknown optimiser or preset, a preset of another optimiser, or
            dimensions of the user's own whose names are taken.

    >>> list(get("simclr", preset="quick"))
    ['lr', 'temperature']
    """
    common = optimizer_dimensions(optimizer, method=method)
    described: Mapping[str, Any]
    if dimensions is None:
        described = vars(_module(method))
    else:
        _check_own(method, dimensions, taken={**common, **view_options.DIMENSIONS})
        described = {"DIMENSIONS": dimensions}
    space = SearchSpace(
        method,
        {**common, **described["DIMENSIONS"]},
        constraints=described.get("CONSTRAINTS", ()),
    )
    space = with_preset(
        space,
        preset,
        optimizer=optimizer,
        papers=described.get("PRESETS", {}),
        missing=described.get("MISSING", {}),
    )
    if not views:
        return space
    return SearchSpace(
        method,
        {**space.dimensions, **view_options.DIMENSIONS},
        space.fixed,
        space.held,
        space.constraints,
    )


def presets(method: str) -> dict[str, str]:
    """Return the presets of a method, each with what it is.

    Args:
        method: one of `method_names()`.

    Raises:
        UnknownMethodError: for a method without a space.

    >>> list(presets("barlow_twins"))
    ['default', 'quick', 'wide', 'alpha_req']
    """
    papers: dict[str, Preset] = vars(_module(method)).get("PRESETS", {})
    of_papers = {name: f"{p.source} (optimizer {p.optimizer})" for name, p in papers.items()}
    return {**GENERAL_PRESETS, **of_papers}


def _module(method: str) -> Any:
    if method not in _METHODS:
        hint = nearest(method, _METHODS)
        raise UnknownMethodError(f"method: got {method!r}, which has no search space. {hint}")
    return import_module(f"search_spaces.{method}")


def _check_own(method: str, own: Mapping[str, Dimension], taken: Mapping[str, Dimension]) -> None:
    for name, dimension in own.items():
        if name in taken:
            raise SpaceError(
                f"{method}: {name!r} is a hyperparameter of the optimiser or the views already; "
                "give the method's own another name."
            )
        if not isinstance(dimension, Float | Int | Categorical):
            raise SpaceError(
                f"{method}: {name} is a {type(dimension).__name__}; wanted a Float, an Int or a "
                "Categorical of search_spaces."
            )


__all__ = [
    "AtLeast",
    "Below",
    "Categorical",
    "Constraint",
    "Dimension",
    "Float",
    "Int",
    "SearchSpace",
    "SearchSpacesError",
    "SpaceError",
    "UnknownMethodError",
    "Value",
    "When",
    "get",
    "method_names",
    "optimizer_dimensions",
    "presets",
]
