"""The configuration of a study: defaults, a YAML file and the command line made one."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hpo.errors import ConfigError
from hpo.options import CHANGEABLE, StudyConfig
from hpo.view_options import ViewOptions


def load_config(file: Path | None, options: dict[str, Any]) -> StudyConfig:
    """Merge defaults, a YAML file and the command line; the later wins.

    Args:
        file: YAML with the option names of `StudyConfig`, `-` and `_` alike; None for no file.
        options: from the command line; None counts as not given.

    Raises:
        ConfigError: for a missing or unreadable file, unknown options (each with the nearest
            known name) and impossible values (all of them at once).
    """
    from_file = {} if file is None else _read_yaml(file)
    given = {name: value for name, value in options.items() if value is not None}
    merged = {**from_file, **given}
    for name in ("fix", "space", "views"):
        # These add up: one more on the command line keeps those of the file.
        both = from_file.get(name), given.get(name)
        if isinstance(both[0], dict) and isinstance(both[1], dict):
            merged[name] = {**both[0], **both[1]}
    _refuse_unknown(merged, file)
    try:
        config = StudyConfig.model_validate(merged)
        config.search_space()
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error
    return config


def to_yaml(config: StudyConfig) -> str:
    """Write a configuration so that `load_config` reads the same one back."""
    return yaml.safe_dump(config.model_dump(mode="json", exclude_none=True), sort_keys=False)


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"config: {file} cannot be read ({error}).") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"config: {file} is no valid YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"config: {file} holds a {type(content).__name__}; wanted `option: value` lines."
        )
    options = _underscored(content)
    if isinstance(options.get("views"), dict):
        options["views"] = _underscored(options["views"])
    # An option without a value (`views:`) is one that was not given.
    return {name: value for name, value in options.items() if value is not None}


def _underscored(options: dict[Any, Any]) -> dict[str, Any]:
    return {str(name).replace("-", "_"): value for name, value in options.items()}


def _refuse_unknown(options: dict[str, Any], file: Path | None) -> None:
    views = options.get("views")
    for given, model, where in (
        (options, StudyConfig, ""),
        (views if isinstance(views, dict) else {}, ViewOptions, "views: "),
    ):
        known = list(model.model_fields)
        unknown = [_with_nearest(name, known) for name in given if name not in known]
        if unknown:
            source = f"config: {file}" if file is not None else "options"
            raise ConfigError(
                f"{source}: {where}unknown option {', '.join(unknown)}. "
                f"Known: {', '.join(sorted(known))}."
            )


def _with_nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name!r}" + (f" (did you mean {near[0]!r}?)" if near else "")


def _explain(error: ValidationError) -> str:
    """One line per wrong option: its name, what was got and what was wanted."""
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "value_error":
            lines.append(message if message.startswith(name) else f"{name}: {message}")
        else:
            lines.append(f"{name}: got {problem['input']!r}; {message[0].lower()}{message[1:]}.")
    return "\n".join(lines)


__all__ = ["CHANGEABLE", "StudyConfig", "ViewOptions", "load_config", "to_yaml"]
