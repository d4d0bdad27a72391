"""Search spaces: what may vary, one file a method. Importable in milliseconds, without torch.

>>> get("simclr").defaults["temperature"]
0.2
"""

from __future__ import annotations

import difflib
from importlib import import_module

from search_spaces.errors import SearchSpacesError, SpaceError, UnknownMethodError
from search_spaces.optimizers import optimizer_dimensions
from search_spaces.space import Categorical, Dimension, Float, Int, SearchSpace

_METHODS = ("barlow_twins", "byol", "simclr", "vicreg")


def method_names() -> list[str]:
    """Return the methods that have a space.

    >>> method_names()
    ['barlow_twins', 'byol', 'simclr', 'vicreg']
    """
    return list(_METHODS)


def get(method: str, *, optimizer: str = "adamw") -> SearchSpace:
    """Return the search space of a method.

    Args:
        method: one of `method_names()`.
        optimizer: "adamw", "sgd" or "lars"; ranges of `lr` and `weight_decay` follow it.

    Raises:
        UnknownMethodError: for a method without a space, with the nearest name.
        SpaceError: for an unknown optimiser.
    """
    if method not in _METHODS:
        near = difflib.get_close_matches(method, _METHODS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(_METHODS)}."
        raise UnknownMethodError(f"method: got {method!r}, which has no search space. {hint}")
    module = import_module(f"search_spaces.{method}")
    return SearchSpace(
        method=method,
        dimensions={**optimizer_dimensions(optimizer, method=method), **module.DIMENSIONS},
        fixed=dict(getattr(module, "FIXED", {})),
    )


__all__ = [
    "Categorical",
    "Dimension",
    "Float",
    "Int",
    "SearchSpace",
    "SearchSpacesError",
    "SpaceError",
    "UnknownMethodError",
    "get",
    "method_names",
    "optimizer_dimensions",
]
