"""What it takes to train the chosen trial again, or the whole study."""

from __future__ import annotations

import json
import platform
import shlex
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import yaml

from hpo.export import CARD_NAME
from hpo.report.webpage.material import Material

_NOW = ("goldilocks-hpo", "optuna", "torch", "lightly", "plotly")
# What belongs to the whole study and not to one training.
_OF_THE_STUDY = ("trials", "budget", "sampler", "finalists")
_ELSEWHERE = ("storage", "study_name", "engine", "address", "max_concurrent", "storage_path")


@dataclass(frozen=True)
class Reproduction:
    """How to do it again.

    Args:
        command: that goes on with the study.
        config: text of the study's configuration.
        single: text of a configuration that trains the chosen trial alone; empty without one.
        versions: of the software, by name.
        seeds: what was drawn with which.
    """

    command: str
    config: str
    single: str
    versions: tuple[tuple[str, str], ...]
    seeds: str


def reproduction_of(material: Material) -> Reproduction:
    """Collect command, configuration, versions and seeds."""
    file = material.directory.config_file
    return Reproduction(
        command=f"goldilocks run --config {shlex.quote(str(file))}",
        config=_config_text(material),
        single=_single(material),
        versions=tuple(_versions(material).items()),
        seeds=_seeds(material),
    )


def _config_text(material: Material) -> str:
    try:
        return material.directory.config_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        # The study holds the same.
        return _yaml(material.attrs.get("config", {}))


def _single(material: Material) -> str:
    """The study's configuration with every hyperparameter fixed to the chosen trial's."""
    chosen, given = material.chosen, material.attrs.get("config")
    if chosen is None or given is None:
        return ""
    left_out = {*_OF_THE_STUDY, *_ELSEWHERE}
    config = {key: value for key, value in given.items() if key not in left_out}
    fixed = {**dict(given.get("fix", {})), **chosen.hyperparameters}
    # What is fixed may be given neither a range nor a search as well.
    config["space"] = {
        n: each for n, each in dict(given.get("space", {})).items() if n not in fixed
    }
    config["search"] = [name for name in given.get("search", ()) if name not in fixed]
    out = f"{material.directory.out}-trial-{chosen.number}"
    return _yaml({**config, "fix": fixed, "trials": 1, "replicates": 0, "out": out})


def _yaml(config: dict[str, Any]) -> str:
    told = {key: value for key, value in config.items() if value is not None}
    if isinstance(told.get("views"), dict):
        told["views"] = {key: v for key, v in told["views"].items() if v is not None}
    text: str = yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    return text


def _versions(material: Material) -> dict[str, str]:
    """Those that the chosen backbone was made with; else those that this page is made with."""
    try:
        card = json.loads((material.directory.chosen / CARD_NAME).read_bytes())
        made: dict[str, str] = {str(k): str(v) for k, v in card["made_with"].items()}
    except (OSError, ValueError, KeyError, AttributeError):
        made = {}
    now = {name: version(name) for name in _NOW if name not in made}
    return made | now | {"Python": platform.python_version()}


def _seeds(material: Material) -> str:
    config = material.config
    again = sorted({row.seed for row in material.rows if row.seed is not None})
    text = f"{config['seed']} for the split of the images, the first weights and the trainings"
    text += f"; {config['sampler']} sampler"
    return text + (f"; replicates under {', '.join(map(str, again))}" if again else "")
