"""A space written as a preset file, to be read back or to begin one's own from."""

from __future__ import annotations

from typing import Any

from search_spaces.dimensions import Categorical, Dimension
from search_spaces.space import SearchSpace


def changes_of(dimension: Dimension, before: Dimension) -> dict[str, Any]:
    """Return a dimension as `SearchSpace.override` takes it.

    Args:
        dimension: whose range, choices and default are given.
        before: what it is a change of; unit and source are given where they differ.

    >>> from search_spaces.dimensions import Float
    >>> one = Float(0.1, 1, default=0.2)
    >>> changes_of(one, one)
    {'low': 0.1, 'high': 1, 'log': False, 'default': 0.2}
    """
    words = {
        key: getattr(dimension, key)
        for key in ("unit", "source")
        if getattr(dimension, key) != getattr(before, key)
    }
    if isinstance(dimension, Categorical):
        choices = list(dimension.choices)
        return {"choices": choices, "default": dimension.default, **words}
    ends = {"low": dimension.low, "high": dimension.high, "log": dimension.log}
    return {**ends, "default": dimension.default, **words}


def preset_text(space: SearchSpace, *, optimizer: str, preset: str, views: bool = False) -> str:
    """Return a preset of the package as YAML that reads back as the same space.

    Args:
        space: as `search_spaces.get` returns it.
        optimizer: that it is for.
        preset: that it is.
        views: whether the options of the views vary too.

    >>> from search_spaces import get
    >>> text = preset_text(get("simclr"), optimizer="adamw", preset="default")
    >>> text.splitlines()[1:3]
    ['method: simclr', 'optimizer: adamw']
    """
    lines = [
        "# Change what you like, and give it as --preset FILE.yaml.",
        f"method: {_plain(space.method)}",
        f"optimizer: {optimizer}",
        f"extends: {_plain(preset)}",
        *["search_views: true"] * views,
        "space:" if space.dimensions else "space: {}",
    ]
    for name, dimension in space.dimensions.items():
        lines += [f"  # {text}" for text in _known(dimension)]
        lines.append(f"  {_plain(name)}: {_plain(changes_of(dimension, dimension))}")
    held = {name: d for name, d in space.held.items() if name in space.fixed}
    if held:
        lines.append("# Held at one value; name some as `search: [NAME]`, or give them a range.")
    for name, dimension in held.items():
        lines.append(f"#   {name}: {_plain(space.fixed[name])}    {_one_line(dimension.held)}")
    return "\n".join(lines) + "\n"


def _known(dimension: Dimension) -> list[str]:
    unit = "" if dimension.unit == "1" else f"unit: {dimension.unit}"
    when = "" if dimension.when is None else f"asked for when {dimension.when}"
    texts = [text for text in (unit, when, dimension.source) if text]
    lines = ["; ".join(texts)] if texts else []
    lines += [f"collapses a run: {dimension.collapses}"] if dimension.collapses else []
    return [_one_line(line) for line in lines]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(value: object) -> str:
    import yaml

    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True
    )
    return text.removesuffix("...\n").strip()
