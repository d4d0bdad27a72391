"""An older study, opened to take configurations from: by its directory, or in a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy import make_url

from hpo.config import StudyConfig
from hpo.database_errors import shown
from hpo.errors import ConfigError, StorageError
from hpo.place import Place, place_of
from hpo.record import read_rows
from hpo.storage import StudyDirectory, load_study
from hpo.storage_url import checked_url
from hpo.warm_start.best import best_of
from hpo.warm_start.point import Point

_LEAST_MOVED = 0.1  # of studies that recorded none
_CONDITIONS = (
    "data", "image_size", "max_images", "backbone", "weights", "epochs", "batch_size",
    "objective", "pipeline", "views",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """What a new study needs of an older one, and nothing that was measured there.

    Args:
        name: as it was given.
        points: its best configurations, the best first.
        settings: as it recorded them; perhaps those of an older version, so never validated.
    """

    name: str
    points: tuple[Point, ...]
    settings: Mapping[str, Any]

    def mistakes(self, config: StudyConfig, n_trials: int) -> list[str]:
        """Say why nothing can be taken from it.

        Args:
            config: of the new study.
            n_trials: that were wanted.
        """
        wrong = []
        method = self.settings.get("method")
        if method is not None and _last(str(method)) != _last(config.method):
            wrong.append(
                f"method: that study has {method!r}, this one {config.method!r}; their "
                "hyperparameters are not the same."
            )
        optimizer = self.settings.get("optimizer")
        if optimizer is not None and optimizer != config.optimizer:
            wrong.append(
                f"optimizer: that study has {optimizer!r}, this one {config.optimizer!r}, with "
                "which learning rate and weight decay mean something else."
            )
        if not self.points:
            wrong.append(
                f"holds no trial to take, {n_trials} wanted: none finished alive and moved away "
                "from its initialisation."
            )
        return [f"from {self.name}: {text}" for text in wrong]

    def notes(self, config: StudyConfig, n_trials: int) -> list[str]:
        """Say what else is different; the arguments are those of `mistakes`."""
        here = config.model_dump(mode="json")
        others = [
            _difference(name, self.settings[name], here[name])
            for name in _CONDITIONS
            if name in self.settings and self.settings[name] != here[name]
        ]
        texts = [f"{'; '.join(others)}: only configurations are taken."] if others else []
        if len(self.points) < n_trials:
            texts.append(f"{len(self.points)} trials to take, {n_trials} wanted.")
        return [f"from {self.name}: {text}" for text in texts]


def read_source(text: str, config: StudyConfig, *, n_trials: int) -> Source:
    """Read the best configurations of an older study, which may be running.

    Args:
        text: its directory, or `URL#NAME` of a study in a database (`URL` where it is the only
            one).
        config: of the new study.
        n_trials: how many at most, >= 1.

    Raises:
        ConfigError: when it is the new study itself, or the URL is none.
        StorageError: when there is no such study, or it cannot be read.
    """
    study = _in_database(text, config) if "://" in text else _in_directory(text, config)
    attrs = study.user_attrs
    settings: Mapping[str, Any] = attrs.get("config", {})
    if not settings:
        raise StorageError(
            f"from {text}: recorded no settings; wanted a study of `goldilocks run`."
        )
    choice: Mapping[str, Any] = attrs.get("choice", {})
    best = best_of(
        read_rows(study, running=False),
        chosen=choice.get("number"),
        direction="maximize" if study.direction.name == "MAXIMIZE" else "minimize",
        least_moved=float(settings.get("least_moved", _LEAST_MOVED)),
        n_trials=n_trials,
    )
    points = tuple(Point(text, row.number, row.hyperparameters) for row in best)
    return Source(text, points, settings)


def _in_directory(text: str, config: StudyConfig) -> optuna.Study:
    out = Path(text)
    if out.resolve() == config.out.resolve():
        raise ConfigError(f"from {text}: is this study itself; wanted an older one.")
    try:
        return load_study(StudyDirectory(out))
    except StorageError as error:
        raise StorageError(f"from {error}") from error


def _in_database(text: str, config: StudyConfig) -> optuna.Study:
    plain, _, name = text.partition("#")
    try:
        url = checked_url(plain)
    except ConfigError as error:
        # The text is not repeated: it may hold a password.
        raise ConfigError(f"from: {str(error).removeprefix('storage: ')}") from None
    parsed = make_url(url)
    file = Path(str(parsed.database))
    if parsed.get_backend_name() == "sqlite" and not file.exists():
        # Opening it would make it.
        raise StorageError(f"from {shown(url)}: there is no file {file}.")
    own = place_of(config)
    if own.url is not None and (own.url, own.study_name) == (url, name):
        raise ConfigError(f"from {text}: is this study itself; wanted an older one.")
    storage = Place(Path(), url, name).open()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    names = optuna.study.get_all_study_names(storage)
    if name not in names and (name or len(names) != 1):
        known = ", ".join(sorted(names)[:20]) or "none"
        raise StorageError(
            f"from {shown(url)}: wanted #NAME of one of its studies, got {name!r}. Known: {known}."
        )
    return optuna.load_study(study_name=name or names[0], storage=storage)


def _difference(name: str, there: object, here: object) -> str:
    if isinstance(there, dict):
        return f"other {name}"
    return f"{name} {there!r} there, {here!r} here"


def _last(method: str) -> str:
    """The name of a method; of the user's own, which may have moved, without its folder."""
    return method.replace("\\", "/").rpartition("/")[2]
