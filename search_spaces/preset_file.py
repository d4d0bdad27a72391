"""Presets of the user's own: YAML files, each on top of a preset or of another file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search_spaces.errors import SearchSpacesError, SpaceError
from search_spaces.mistakes import Mistake
from search_spaces.preset import is_preset_file
from search_spaces.preset_layer import Layer, read_layer
from search_spaces.preset_text import changes_of
from search_spaces.space import FIXED, SearchSpace
from search_spaces.yaml_document import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

_MOST_FILES = 8

SpaceOf = Callable[[str, str, str, bool], SearchSpace]


@dataclass(frozen=True)
class OwnPreset:
    """A preset of the user's own, read and checked.

    Args:
        method: whose space it is.
        optimizer: that the ranges are for.
        preset: the one of the package that it is on top of.
        search_views: whether the options of the views vary too.
        space: changes of the preset's ranges, as `SearchSpace.override` takes them.
        search: names of what is held there and varies here.
        fix: values by name.
        searched: the space itself.
    """

    method: str
    optimizer: str
    preset: str
    search_views: bool
    space: Mapping[str, dict[str, Any]]
    search: tuple[str, ...]
    fix: Mapping[str, float | int | str]
    searched: SearchSpace

    def options(self) -> dict[str, Any]:
        """Return the same as options of a study, which then needs the file no more."""
        return {
            "method": self.method,
            "optimizer": self.optimizer,
            "preset": self.preset,
            "search_views": self.search_views,
            "space": dict(self.space),
            "search": list(self.search),
            "fix": dict(self.fix),
        }


def read_preset(
    file: Path,
    *,
    space_of: SpaceOf,
    method: str | None = None,
    optimizer: str | None = None,
    default_method: str = "",
    on_top: Mapping[str, Any] | None = None,
) -> OwnPreset:
    """Read a preset file, and those that it extends.

    Args:
        file: YAML with any of `extends` (`wide`, `simclr/wide` or another file, beside this one),
            `method`, `optimizer`, `space`, `search`, `search_views`, `fix` and `about`.
        space_of: from method, optimizer, preset and whether views vary to a space.
        method: that it has to be for; None for what the file says.
        optimizer: likewise.
        default_method: where neither says one.
        on_top: `space`, `search` and `fix` of one more layer, from the command line.

    Raises:
        SpaceError: with all mistakes of all files, each with its line.
    """
    layers = _layers(file)
    if on_top:
        layers.append(read_layer("options", {k: v for k, v in on_top.items() if v}))
    asked = {"method": method, "optimizer": optimizer}
    before = sum(len(layer.mistakes) for layer in layers)
    found = {key: _agreed(key, layers, given) for key, given in asked.items()}
    shipped = layers[0].values.get("extends", "default").rpartition("/")[2]
    named = found["method"] or default_method
    if not named:
        layers[-1].mistakes.append(Mistake((), "method: not given; add `method: NAME`."))
    if sum(len(layer.mistakes) for layer in layers) > before:
        _tell(layers)  # whether names and values fit is not known without
    views = [layer.values["search_views"] for layer in layers if "search_views" in layer.values]
    key = (named, found["optimizer"] or "adamw", shipped, bool(views and views[-1]))
    try:
        base = space_of(*key)
    except SearchSpacesError as error:
        _blame(layers, error)
        raise
    space = base
    for layer in layers:
        space = layer.on(space)
    if not any(layer.mistakes for layer in layers):
        try:
            space.checked()
        except SpaceError as error:
            layers[-1].mistakes.append(Mistake(("space",), str(error)))
    _tell(layers)
    return _flat(key, base, space, layers)


def _layers(file: Path) -> list[Layer]:
    """The lowest first; what a file extends and is a file comes before it."""
    layers: list[Layer] = []
    seen: list[Path] = []
    waiting: Path | None = file
    while waiting is not None:
        document = read_yaml(waiting)
        seen.append(waiting.resolve())
        layer = read_layer(str(waiting), document.content, document.lines, document.mistakes)
        layers.insert(0, layer)
        extends = layer.values.get("extends", "")
        if not is_preset_file(extends):
            break
        waiting = waiting.parent / extends
        wrong = _why_not(waiting, seen)
        if wrong:
            layer.mistakes.append(Mistake(("extends",), f"extends: got {extends!r}, {wrong}."))
            _tell(layers)
    return layers


def _why_not(file: Path, seen: list[Path]) -> str:
    if file.resolve() in seen:
        return "which extends this file itself"
    if len(seen) >= _MOST_FILES:
        return f"one file more than the {_MOST_FILES} that may extend each other"
    return "" if file.is_file() else f"but there is no file {file}"


def _agreed(key: str, layers: list[Layer], given: str | None) -> str | None:
    """The one value that all who say one say; who says another is blamed for it."""
    agreed = given
    for layer in reversed(layers):
        said = [layer.values[key]] if key in layer.values else []
        extends = layer.values.get("extends", "")
        if key == "method" and not is_preset_file(extends) and "/" in extends:
            said.append(extends.rpartition("/")[0])
        for value in said:
            if agreed is not None and value != agreed:
                where = (key,) if key in layer.values else ("extends",)
                text = f"{key}: this is for {value!r}, and {agreed!r} is wanted; give one of them."
                layer.mistakes.append(Mistake(where, text))
            agreed = agreed or value
    return agreed


def _blame(layers: list[Layer], error: SearchSpacesError) -> None:
    """Tell of a method, optimizer or preset that there is not, at the line that names it."""
    key = str(error).partition(":")[0]
    for where in (key, "extends"):
        for layer in reversed(layers):
            if where in layer.values and key in ("method", "optimizer", "preset"):
                layer.mistakes.append(Mistake((where,), str(error)))
                _tell(layers)


def _tell(layers: list[Layer]) -> None:
    texts = [layer.told() for layer in reversed(layers)]
    if any(texts):
        raise SpaceError("\n".join(text for text in texts if text))


def _flat(
    key: tuple[str, str, str, bool], base: SearchSpace, space: SearchSpace, layers: list[Layer]
) -> OwnPreset:
    """All layers as one: the ranges as they came out, of what some layer named."""
    named = list(dict.fromkeys(name for layer in layers for name in layer.named))
    ranged = {name for layer in layers for name in layer.values.get("space", {})}
    every = {**space.dimensions, **space.held}
    fix = {n: space.fixed[n] for n in named if n in space.fixed and _is_fixed(every.get(n))}
    search = tuple(n for n in named if n in space.dimensions and n not in ranged)
    before = {**base.dimensions, **base.held}
    changes = {n: changes_of(every[n], before[n]) for n in named if n in ranged}
    held = {n for n in changes if n in space.held and n not in fix}
    for name in held:
        changes[name] = {"default": every[name].default}
    return OwnPreset(*key, changes, search, fix, space)


def _is_fixed(dimension: Any) -> bool:
    return dimension is None or dimension.held == FIXED
