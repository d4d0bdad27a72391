"""Which directory a study of a shared database belongs to: its checkpoints lie nowhere else."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import RDBStorage

from hpo.errors import StorageError, StudyMismatchError
from hpo.place import Place, recorded_place

BELONGS_TO = "belongs_to"
_ID_FILE = ".study-id"
_A_MOMENT_SECONDS = 1.0


def check_place(place: Place) -> None:
    """Check, before any image is read, that a study may be recorded where it is to be.

    A database that cannot be used is found out here as well.

    Args:
        place: where.

    Raises:
        StudyMismatchError: when the directory's study is recorded elsewhere, or the study of that
            name belongs to another directory.
        ConfigError: when the database's driver is missing.
        StorageError: when the database cannot be used.
    """
    recorded = recorded_place(place.out)
    if recorded is not None and recorded.elsewhere and _read_id(place.out) is None:
        recorded = None  # a configuration that somebody put there; no study was ever started
    if not place.elsewhere:
        if recorded is not None and recorded.elsewhere:
            raise _recorded_elsewhere(recorded, f"give {recorded.options()} to go on with it")
        return
    if recorded is not None and not recorded.elsewhere:
        raise _recorded_elsewhere(recorded, "leave out --storage to go on with it")
    storage = place.open()
    try:
        study = _existing(storage, place)
        if study is not None:
            check_owner(study, place)
        elif recorded == place:
            raise StorageError(
                f"storage: there is no {place.describe()} any more, while {place.out} holds its "
                "checkpoints. Bring it back from a copy of the database, or give another --out."
            )
        elif recorded is not None:
            raise _recorded_elsewhere(recorded, f"give {recorded.options()} to go on with it")
    finally:
        storage.engine.dispose()


def open_shared_study(
    storage: RDBStorage, place: Place, *, direction: Literal["maximize", "minimize"]
) -> optuna.Study:
    """Open the study of a place in a shared database, making it when there is none.

    Args:
        storage: the place's.
        place: where.
        direction: of the objective.

    Raises:
        StudyMismatchError: when it belongs to another directory.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    name = place.study_name
    try:
        study = optuna.create_study(study_name=name, storage=storage, direction=direction)
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(study_name=name, storage=storage)
        if BELONGS_TO not in study.user_attrs:
            # Made by another process a moment ago, which is about to say whose it is.
            time.sleep(_A_MOMENT_SECONDS)
    check_owner(study, place)
    owner = {"id": _own_id(place.out), "host": socket.gethostname(), "out": str(_full(place.out))}
    if study.user_attrs.get(BELONGS_TO) != owner:
        study.set_user_attr(BELONGS_TO, owner)
    return study


def check_owner(study: optuna.Study, place: Place) -> None:
    """Check that a study of a shared database belongs to a directory, or to none yet.

    Args:
        study: found in the place's database under its name.
        place: where.

    Raises:
        StudyMismatchError: when it belongs to another directory, to a copy's original, or was
            made by something else.
    """
    attrs = study.user_attrs
    owner: Mapping[str, Any] | None = attrs.get(BELONGS_TO)
    what_to_do = "For a new study give another --study-name"
    if owner is None:
        # One without an owner was copied from a study.db, or its maker was killed at once.
        if "identity" not in attrs and study.get_trials(deepcopy=False):
            raise StudyMismatchError(
                f"study_name: {place.describe()} was not made by `goldilocks run`. {what_to_do}."
            )
        return
    other = Path(owner["out"])
    if owner["id"] != _read_id(place.out):
        raise StudyMismatchError(
            f"study_name: {place.describe()} belongs to {other} on {owner['host']}, not to "
            f"{_full(place.out)}. {what_to_do}; to go on with that one, its --out."
        )
    is_copy = owner["host"] == socket.gethostname() and other != _full(place.out)
    if is_copy and _read_id(other) == owner["id"]:
        raise StudyMismatchError(
            f"out: {_full(place.out)} is a copy of {other}, to which {place.describe()} belongs. "
            f"Go on there, or give another --out and another --study-name."
        )


def _existing(storage: RDBStorage, place: Place) -> optuna.Study | None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.load_study(study_name=place.study_name, storage=storage)
    except KeyError:
        return None


def _recorded_elsewhere(recorded: Place, how: str) -> StudyMismatchError:
    return StudyMismatchError(
        f"out: {recorded.out} holds a study that is recorded as {recorded.describe()}; {how}, or "
        "another --out for a new one."
    )


def _own_id(out: Path) -> str:
    """The directory's id, which moves along with it; made when there is none."""
    known = _read_id(out)
    if known is None:
        known = uuid.uuid4().hex
        (out / _ID_FILE).write_text(known + "\n", encoding="utf-8")
    return known


def _read_id(out: Path) -> str | None:
    try:
        return (out / _ID_FILE).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None


def _full(out: Path) -> Path:
    return out.absolute().resolve()
