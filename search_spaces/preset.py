"""Other versions of a method's space: quick, wide, and the grids of the papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from search_spaces.dimensions import Categorical, Dimension, Float, Int, Value
from search_spaces.errors import SpaceError
from search_spaces.naming import nearest
from search_spaces.space import SearchSpace

GENERAL_PRESETS = {
    "default": "the recommended ranges",
    "quick": "the learning rate and the knob that matters most, near their defaults; the rest held",
    "wide": "logarithmic ranges three times as far at either end, where that is legal",
}
"""The presets that every method has, each with what it is."""

_ENDINGS = (".yaml", ".yml")
_QUICK_SHARE = 0.5  # of the range, round the default
_WIDE_FACTOR = 3.0


@dataclass(frozen=True)
class Preset:
    """The grid of a paper.

    Args:
        source: whose, and what of it is known.
        optimizer: that it belongs to: learning rates of another one mean something else.
        dimensions: what varies; everything else is held.
        fixed: values of what is held, where they are not the defaults.
    """

    source: str
    optimizer: str
    dimensions: Mapping[str, Dimension]
    fixed: Mapping[str, Value] = field(default_factory=dict)


def is_preset_file(preset: str) -> bool:
    """Whether a preset is given as a file of the user's own.

    >>> is_preset_file("mine.yaml"), is_preset_file("wide")
    (True, False)
    """
    return preset.lower().endswith(_ENDINGS)


def grid(*values: Value, default: Value, source: str, unit: str = "1") -> Categorical:
    """Return one axis of a paper's grid.

    >>> grid(0.1, 0.2, default=0.1, source="a paper").choices
    (0.1, 0.2)
    """
    return Categorical(values, default=default, source=source, unit=unit)


def with_preset(
    space: SearchSpace,
    name: str,
    *,
    optimizer: str,
    papers: Mapping[str, Preset],
    missing: Mapping[str, str],
) -> SearchSpace:
    """Return a space as a preset has it.

    Args:
        space: the method's default one.
        name: of the preset.
        optimizer: of the space.
        papers: the method's presets besides the general ones.
        missing: presets it should have and does not, each with the reason.

    Raises:
        SpaceError: for an unknown preset, one whose grid is not known, or another optimiser's.
    """
    if name == "default":
        return space
    if name == "quick":
        return _quick(space)
    if name == "wide":
        wide = {n: _wider(d) for n, d in space.dimensions.items()}
        return replace(space, dimensions=wide)
    if name in missing:
        raise SpaceError(f"preset: got {name!r}, which {space.method} has not: {missing[name]}")
    if name not in papers:
        known = nearest(name, [*GENERAL_PRESETS, *papers])
        raise SpaceError(f"preset: got {name!r}, which {space.method} has not. {known}")
    paper = papers[name]
    if optimizer != paper.optimizer:
        raise SpaceError(
            f"preset: {name!r} of {space.method} is a grid for the optimizer {paper.optimizer!r}, "
            f"got {optimizer!r}; give optimizer {paper.optimizer!r}, or another preset."
        )
    kept = _hold(space, set(space.dimensions) - set(paper.dimensions), name)
    held = {n: d for n, d in kept.held.items() if n not in paper.dimensions}
    fixed = {n: v for n, v in {**kept.fixed, **paper.fixed}.items() if n not in paper.dimensions}
    return replace(kept, dimensions=paper.dimensions, held=held, fixed=fixed)


def _hold(space: SearchSpace, names: set[str], preset: str) -> SearchSpace:
    held = {n: replace(space.dimensions[n], held=f"held by the preset {preset}") for n in names}
    left = {n: held.get(n, d) for n, d in space.dimensions.items()}
    return replace(space, dimensions=left)


def _quick(space: SearchSpace) -> SearchSpace:
    """The first of a method's own dimensions is the one that matters most."""
    own = [name for name in space.dimensions if name not in ("lr", "weight_decay")][:1]
    varies = ["lr", *own]
    near = {n: _nearer(d) if n in varies else d for n, d in space.dimensions.items()}
    return _hold(replace(space, dimensions=near), set(near) - set(varies), "quick")


def _nearer(dimension: Dimension) -> Dimension:
    if isinstance(dimension, Categorical):
        return dimension
    default = dimension.default
    if dimension.log:
        factor = (dimension.high / dimension.low) ** (_QUICK_SHARE / 2)
        ends = default / factor, default * factor
    else:
        half = (dimension.high - dimension.low) * _QUICK_SHARE / 2
        ends = default - half, default + half
    return _between(dimension, max(ends[0], dimension.low), min(ends[1], dimension.high))


def _wider(dimension: Dimension) -> Dimension:
    if isinstance(dimension, Categorical):
        return dimension
    least, most = dimension.least, dimension.most
    if dimension.log:
        low, high = dimension.low / _WIDE_FACTOR, dimension.high * _WIDE_FACTOR
    else:
        half = (dimension.high - dimension.low) / 2
        low = dimension.low if least is None else dimension.low - half
        high = dimension.high if most is None else dimension.high + half
    return _between(
        dimension,
        low if least is None else max(low, least),
        high if most is None else min(high, most),
    )


def _between(dimension: Float | Int, low: float, high: float) -> Dimension:
    if isinstance(dimension, Int):
        low = max(1, round(low)) if dimension.log else round(low)
        return replace(dimension, low=low, high=max(round(high), low + 1))
    return replace(dimension, low=low, high=high)
