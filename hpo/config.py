"""The configuration of a study: defaults, a YAML file and the command line made one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hpo.errors import ConfigError
from hpo.known_names import METHODS
from hpo.options import CHANGEABLE, StudyConfig
from hpo.view_options import ViewOptions
from search_spaces import Dimension, SearchSpacesError, SpaceError, is_preset_file, own_preset
from search_spaces.mistakes import Mistake, Where, told
from search_spaces.yaml_document import Document, read_yaml


def load_config(file: Path | None, options: dict[str, Any]) -> StudyConfig:
    """Merge defaults, a YAML file and the command line; the later wins.

    A preset that is a file of the user's own is read here, and becomes plain options: the study
    needs the file no more.

    Args:
        file: YAML with the option names of `StudyConfig`, `-` and `_` alike; None for no file.
        options: from the command line; None counts as not given.

    Raises:
        ConfigError: for a missing or unreadable file, unknown options (each with the nearest
            known name) and impossible values (all of them at once, with their lines).
    """
    read = Document({}) if file is None else _read_yaml(file)
    from_file = _options_in(read.content)
    given = {name: value for name, value in options.items() if value is not None}
    merged = {**from_file, **given}
    for name in ("fix", "space", "views"):
        # These add up: one more on the command line keeps those of the file.
        both = from_file.get(name), given.get(name)
        if isinstance(both[0], dict) and isinstance(both[1], dict):
            merged[name] = {**both[0], **both[1]}
    lines = {where: n for where, n in read.lines.items() if where and where[0] not in given}
    wrong = [told(f"config: {file}", read.mistakes, read.lines)] if read.mistakes else []
    wrong += _unknown(merged, file)
    try:
        config = StudyConfig.model_validate(_with_own_preset(_known(merged)))
        config.search_space()
    except ValidationError as error:
        wrong += _explained(error, file, lines)
    except ConfigError as error:
        wrong.append(str(error))
    if wrong:
        raise ConfigError("\n".join(wrong))
    return config


def to_yaml(config: StudyConfig) -> str:
    """Write a configuration so that `load_config` reads the same one back."""
    return yaml.safe_dump(config.model_dump(mode="json", exclude_none=True), sort_keys=False)


def _read_yaml(file: Path) -> Document:
    try:
        read = read_yaml(file)
    except SpaceError as error:
        raise ConfigError(f"config: {error}") from error
    if not isinstance(read.content, dict | None):
        raise ConfigError(
            f"config: {file} holds a {type(read.content).__name__}; wanted `option: value` lines."
        )
    return read


def _options_in(content: dict[str, Any] | None) -> dict[str, Any]:
    options = dict(content or {})
    if "from" in options:
        options["warm_start"] = options.pop("from")
    # An option without a value (`views:`) is one that was not given.
    return {name: value for name, value in options.items() if value is not None}


def _with_own_preset(options: dict[str, Any]) -> dict[str, Any]:
    """Read a preset that is a file, with what the other options change of it on top."""
    preset, method = options.get("preset"), options.get("method")
    if not isinstance(preset, str) or not is_preset_file(preset):
        return options
    try:
        own = own_preset(
            Path(preset),
            method=method,
            optimizer=options.get("optimizer"),
            default_method=StudyConfig.model_fields["method"].default,
            dimensions=_own_dimensions,
            on_top={name: options.get(name) for name in ("space", "search", "fix")},
        )
    except SearchSpacesError as error:
        raise ConfigError(f"preset: {error}") from error
    views = own.search_views or bool(options.get("search_views"))
    return {**options, **own.options(), "search_views": views}


def _own_dimensions(method: str) -> Mapping[str, Dimension] | None:
    if method in METHODS:
        return None
    # Loads torch, so only for a method of the user's own.
    from hpo.methods import find_method

    return find_method(method).space


def _known(options: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in options.items() if name in StudyConfig.model_fields}
    if isinstance(known.get("views"), dict):
        views = known["views"].items()
        known["views"] = {n: v for n, v in views if n in ViewOptions.model_fields}
    return known


def _unknown(options: dict[str, Any], file: Path | None) -> list[str]:
    views = options.get("views")
    wrong = []
    for given, model, where in (
        (options, StudyConfig, ""),
        (views if isinstance(views, dict) else {}, ViewOptions, "views: "),
    ):
        known = list(model.model_fields)
        unknown = [_with_nearest(name, known) for name in given if name not in known]
        if unknown:
            source = f"config: {file}" if file is not None else "options"
            wrong.append(
                f"{source}: {where}unknown option {', '.join(unknown)}. "
                f"Known: {', '.join(sorted(known))}."
            )
    return wrong


def _with_nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name!r}" + (f" (did you mean {near[0]!r}?)" if near else "")


def _explained(error: ValidationError, file: Path | None, lines: Mapping[Where, int]) -> list[str]:
    """One line per wrong option: its name, what was got, what was wanted, and where it stands."""
    texts = []
    for problem in error.errors():
        # A place in a list says nothing that its value, which is shown, does not.
        loc = ("from" if part == "warm_start" else part for part in problem["loc"])
        name = ".".join(str(part) for part in loc if not isinstance(part, int))
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "value_error":
            text = message if message.startswith(name) else f"{name}: {message}"
        else:
            text = f"{name}: got {problem['input']!r}; {message[0].lower()}{message[1:]}."
        where: Where = tuple(problem["loc"])
        known = any(where[:end] in lines for end in range(1, len(where) + 1))
        line = f" ({file}, line {Mistake(where, '').line(lines)})" if known else ""
        texts.append(text + line)
    return texts


__all__ = ["CHANGEABLE", "StudyConfig", "ViewOptions", "load_config", "to_yaml"]
