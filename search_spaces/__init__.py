"""Search spaces: what may vary, one file a method. Importable in milliseconds, without torch.

>>> get("simclr").defaults["temperature"]
0.2
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from search_spaces import view_options
from search_spaces.constraints import AtLeast, Below, Constraint
from search_spaces.dimensions import Categorical, Dimension, Float, Int, Value, When
from search_spaces.errors import SearchSpacesError, SpaceError, UnknownMethodError
from search_spaces.naming import nearest
from search_spaces.optimizers import optimizer_dimensions
from search_spaces.preset import GENERAL_PRESETS, Preset, is_preset_file, with_preset
from search_spaces.space import SearchSpace

if TYPE_CHECKING:
    from pathlib import Path

    from search_spaces.preset_file import OwnPreset

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
        preset: one of `presets(method)`, or a FILE.yaml of the user's own (`own_preset`).
        dimensions: those of a method of the user's own; None for one that comes along.
        views: whether the options of the views vary too, as they are in every preset.

    Raises:
        UnknownMethodError: for a method without a space, with the nearest name.
        SpaceError: for an unknown optimiser or preset, a preset of another optimiser, all that is
            wrong with a preset file, or dimensions of the user's own whose names are taken.

    >>> list(get("simclr", preset="quick"))
    ['lr', 'temperature']
    """
    if is_preset_file(preset):
        from pathlib import Path

        own = own_preset(
            Path(preset), method=method, optimizer=optimizer, dimensions=lambda name: dimensions
        ).searched
        return _with_views(own) if views else own
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
    return _with_views(space) if views else space


def own_preset(
    file: Path,
    *,
    method: str | None = None,
    optimizer: str | None = None,
    default_method: str = "",
    dimensions: Callable[[str], Mapping[str, Dimension] | None] = lambda method: None,
    on_top: Mapping[str, Any] | None = None,
) -> OwnPreset:
    """Read a preset of the user's own from YAML; the arguments are those of `read_preset`.

    Args:
        file: with any of the keys `extends`, `method`, `optimizer`, `space`, `search`,
            `search_views`, `fix` and `about`.
        method: that it has to be for; None for what the file says.
        optimizer: likewise.
        default_method: where neither says one.
        dimensions: from the name of a method of the user's own to what it adds; None for others.
        on_top: more `space`, `search` and `fix`, on top of the file's.

    Raises:
        SpaceError: with everything that is wrong with the file, and its lines.
    """
    # Half as much code again as all that is here, and only those with files want it.
    from search_spaces.preset_file import read_preset

    def space_of(method: str, optimizer: str, preset: str, views: bool) -> SearchSpace:
        given = dimensions(method)
        return get(method, optimizer=optimizer, preset=preset, dimensions=given, views=views)

    return read_preset(
        file,
        space_of=space_of,
        method=method,
        optimizer=optimizer,
        default_method=default_method,
        on_top=on_top,
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


def _with_views(space: SearchSpace) -> SearchSpace:
    every = {**space.dimensions, **space.held}
    views = {n: d for n, d in view_options.DIMENSIONS.items() if n not in every}
    return replace(space, dimensions={**space.dimensions, **views})


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
    "is_preset_file",
    "method_names",
    "optimizer_dimensions",
    "own_preset",
    "presets",
]
