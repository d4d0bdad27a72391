"""The configuration of a study: every option, its default, and where a value came from."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

import search_spaces
from hpo.budget import parse_duration
from hpo.errors import ConfigError
from hpo.suggestion import suggestion

_METHODS = tuple(search_spaces.method_names())
# As in the registry of `objectives`, which would load torch; a test holds the two equal.
_OBJECTIVES = (
    "alignment",
    "alpha_req",
    "covariance_rank",
    "guarded_lidar",
    "guarded_rank",
    "idest",
    "lidar",
    "lidar_noise_corrected",
    "nesum",
    "participation_ratio",
    "rankme",
    "self_cluster",
    "ssl_loss",
    "stable_rank",
    "uniformity",
    "view_retrieval",
)
_BACKBONES = ("auto", "resnet10_narrow", "resnet18", "resnet18_narrow")


class ViewOptions(BaseModel):
    """What may be set of the views; None keeps the default for the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_scale: float | None = Field(None, gt=0, le=1)
    hf_prob: float | None = Field(None, ge=0, le=1)
    cj_prob: float | None = Field(None, ge=0, le=1)
    cj_strength: float | None = Field(None, ge=0)
    cj_bright: float | None = Field(None, ge=0)
    cj_contrast: float | None = Field(None, ge=0)
    cj_sat: float | None = Field(None, ge=0)
    cj_hue: float | None = Field(None, ge=0, le=0.5)
    random_gray_scale: float | None = Field(None, ge=0, le=1)


class StudyConfig(BaseModel):
    """Every option of `goldilocks run`; the names are the same in YAML and on the command line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str = "digits"
    data_root: Path | None = None
    max_images: int | None = Field(None, ge=1)
    image_size: int | None = Field(None, ge=8, le=512)
    max_unreadable_share: float = Field(0.01, ge=0, lt=1)
    labels: bool = False
    check_labels: bool = False

    method: str = "simclr"
    objective: str = "guarded_rank"  # DEFAULT_OBJECTIVE of `objectives`, likewise
    backbone: str = "auto"
    epochs: int = Field(54, ge=1)
    batch_size: int = Field(128, ge=4)
    optimizer: Literal["adamw", "lars", "sgd"] = "adamw"
    views: ViewOptions = ViewOptions()
    fix: dict[str, float | int | str] = {}

    trials: int | None = Field(None, ge=1)
    budget: str | None = None
    rung_factor: int = Field(3, ge=2)
    probe_share: float = Field(0.1, ge=0, lt=1)
    shortlist_share: float = Field(1 / 3, gt=0, le=1)
    least_moved: float = Field(0.1, ge=0, le=1)
    measure_images: int = Field(1024, ge=2)
    lidar_views: int = Field(10, ge=2)

    out: Path = Path("studies/study")
    seed: int = Field(0, ge=0, lt=2**31)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = Field(None, ge=1)

    @field_validator("method")
    @classmethod
    def _known_method(cls, value: str) -> str:
        return _known("method", value, _METHODS)

    @field_validator("objective")
    @classmethod
    def _known_objective(cls, value: str) -> str:
        return _known("objective", value, _OBJECTIVES)

    @field_validator("backbone")
    @classmethod
    def _known_backbone(cls, value: str) -> str:
        return _known("backbone", value, _BACKBONES)

    @field_validator("budget")
    @classmethod
    def _readable_budget(cls, value: str | None) -> str | None:
        if value is not None:
            parse_duration(value)
        return value

    @field_validator("fix", mode="before")
    @classmethod
    def _numbers_as_numbers(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        for name, entry in value.items():
            if isinstance(entry, bool):
                # Pydantic would take yes for 1.
                raise ValueError(f"fix.{name}: got {entry!r}; wanted a number or a word.")
        # YAML reads 1e-3 (no dot) as a word, and so would the command line.
        return {name: _number_or_word(entry) for name, entry in value.items()}

    @property
    def budget_seconds(self) -> float | None:
        """Wall time the study may take, in seconds; None without a budget."""
        return None if self.budget is None else parse_duration(self.budget)

    @property
    def n_trials(self) -> int | None:
        """Trials to run at most: 16 when neither trials nor budget were given, else as given."""
        return 16 if self.trials is None and self.budget is None else self.trials

    def space(self) -> search_spaces.SearchSpace:
        """Return the method's search space with the fixed values frozen."""
        return search_spaces.get(self.method, optimizer=self.optimizer).freeze(self.fix)


# What may differ between two runs of one study: how far it goes and where it runs, not what it is.
CHANGEABLE = frozenset({"trials", "budget", "out", "device", "threads", "data_root"})


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
    for name in ("fix", "views"):
        # These add up: one more on the command line keeps those of the file.
        both = from_file.get(name), given.get(name)
        if isinstance(both[0], dict) and isinstance(both[1], dict):
            merged[name] = {**both[0], **both[1]}
    _refuse_unknown(merged, file)
    try:
        config = StudyConfig.model_validate(merged)
        config.space()
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error
    except search_spaces.SpaceError as error:
        raise ConfigError(f"fix: {error}") from error
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


def _known(name: str, value: str, known: tuple[str, ...]) -> str:
    if value in known:
        return value
    raise ValueError(f"got {value!r}, which is no known {name}. {suggestion(value, known)}")


def _number_or_word(value: object) -> object:
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


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
