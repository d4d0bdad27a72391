"""A study's directory: its locks and checkpoints, and the database that is its only record."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import filelock
import optuna
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from hpo.belonging import check_owner
from hpo.errors import StorageError, StudyLockedError, StudyMismatchError
from hpo.place import STUDY_NAME, Place, open_storage, recorded_place

_WORKERS_END_SECONDS = 60.0


class StudyDirectory:
    """Where everything of a study lies.

    Args:
        out: the directory.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.database = out / "study.db"
        self.config_file = out / "config.yaml"
        self.checkpoints = out / "checkpoints"
        self.chosen = out / "chosen"

    def checkpoint(self, number: int) -> Path:
        """Path of a trial's checkpoint at its last rung."""
        return self.checkpoints / f"trial-{number:04d}.pt"

    def between_rungs(self, number: int) -> Path:
        """Path of a trial's checkpoint on its way to the next rung."""
        return self.checkpoints / f"trial-{number:04d}.between.pt"

    def newest_checkpoint(self, number: int) -> Path | None:
        """Path of the checkpoint to go on from; None when there is none."""
        for path in (self.between_rungs(number), self.checkpoint(number)):
            if path.exists():
                return path
        return None

    def forget(self, number: int) -> None:
        """Delete a trial's checkpoints."""
        self.between_rungs(number).unlink(missing_ok=True)
        self.checkpoint(number).unlink(missing_ok=True)

    def prepare(self) -> None:
        """Make the directory and check, before any training, that it can be written.

        Raises:
            StorageError: when it cannot, or is a file.
        """
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            probe = self.out / f".write-test-{os.getpid()}"
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise StorageError(
                f"out: {self.out} cannot be written ({error.strerror or error}). "
                "Give another directory with --out, or make this one writable."
            ) from error

    def check_free(self, needed_bytes: int) -> None:
        """Check, before any training, that checkpoints will fit.

        Raises:
            StorageError: when the disk is too full.
        """
        free = shutil.disk_usage(self.out).free
        if free < needed_bytes:
            raise StorageError(
                f"out: {free / 1e6:.0f} MB are free at {self.out}; wanted at least "
                f"{needed_bytes / 1e6:.0f} MB for checkpoints. Free some, or give another --out."
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study for this process; the system lets go of it when the process dies.

        Raises:
            StudyLockedError: when another process holds it.
        """
        lock = filelock.FileLock(self.out / ".lock")
        try:
            # A second, because `goldilocks status` holds it for a moment to see whether it is free.
            lock.acquire(timeout=1)
        except filelock.Timeout as error:
            raise StudyLockedError(
                f"out: another process is running the study in {self.out}. Look at it with "
                f"`goldilocks status {self.out}`, or give another --out."
            ) from error
        except OSError as error:
            raise StorageError(f"out: {self.out} cannot be locked ({error}).") from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Hold the order of reports and decisions for a moment, among all processes of the study.

        What is reported and decided inside has one place in the order of the study, so that a
        replay sees exactly what each decision saw. The system lets go of it when a process dies.

        Whatever database records the study, this is a lock on a file of the directory. It is
        assumed that all processes that decide are on one machine, or share the directory by a
        file system whose locks hold between machines (NFS from version 4 on). It is so: `lock`
        lets one parent in, its workers are processes of the same machine, on a Ray cluster the
        driver alone decides, and no other directory may use the study (`hpo.belonging`).
        """
        lock = filelock.FileLock(self.out / ".deciding.lock")
        with lock:
            yield

    @contextmanager
    def worker_lock(self, worker: int) -> Iterator[None]:
        """Hold a worker's place for this process; it may have to wait for one that is ending.

        Args:
            worker: its number, from 0.

        Raises:
            StudyLockedError: when another process still holds it after a minute.
        """
        lock = filelock.FileLock(self._worker_lock(worker))
        try:
            lock.acquire(timeout=_WORKERS_END_SECONDS)
        except filelock.Timeout as error:
            raise StudyLockedError(f"out: {_still_there(self.out, [worker])}") from error
        try:
            yield
        finally:
            lock.release()

    def wait_for_workers(
        self,
        say: Callable[[str], None],
        check: Callable[[], None] = lambda: None,
        *,
        seconds: float = _WORKERS_END_SECONDS,
    ) -> None:
        """Wait until the workers of an earlier run, whose own process was killed, have ended.

        Args:
            say: told once that, and why, there is something to wait for.
            check: called while waiting; what it raises ends the wait.
            seconds: how long to wait at most.

        Raises:
            StudyLockedError: when some are still there after that time.
        """
        give_up, said = time.monotonic() + seconds, False
        while busy := self._busy_workers():
            check()
            if time.monotonic() > give_up:
                raise StudyLockedError(f"out: {_still_there(self.out, busy)}")
            if not said:
                said = True
                say(f"waiting for {len(busy)} worker(s) of an earlier run to end")
            time.sleep(0.1)

    def _busy_workers(self) -> list[int]:
        found = [int(p.name.split("-")[1].split(".")[0]) for p in self.out.glob(".worker-*.lock")]
        return [worker for worker in sorted(found) if _is_held(self._worker_lock(worker))]

    def _worker_lock(self, worker: int) -> Path:
        return self.out / f".worker-{worker}.lock"

    def is_running(self) -> bool:
        """Whether a process holds the study now."""
        path = self.out / ".lock"
        return path.exists() and _is_held(path)


def _is_held(path: Path) -> bool:
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    except OSError:
        # A directory that may only be read: nobody who runs a study could have locked it.
        return False
    lock.release()
    return False


def _still_there(out: Path, workers: list[int]) -> str:
    return (
        f"worker(s) {', '.join(map(str, workers))} of an earlier run still hold the study in "
        f"{out}. They end by themselves; if one hangs, end its process, then give the same "
        "command again."
    )


def load_study(directory: StudyDirectory) -> optuna.Study:
    """Open an existing study, to look at; its database is found by the directory's files.

    Raises:
        ConfigError: when the driver of the study's database is missing.
        StorageError: when there is none, or its database cannot be used.
        StudyMismatchError: when the study of that name belongs to another directory.
    """
    place = recorded_place(directory.out)
    if place is None:
        raise StorageError(
            f"{directory.out}: holds no study (no {directory.database.name}, and no storage in "
            f"{directory.config_file.name}). Start one with "
            f"`goldilocks run --out {directory.out}`."
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.load_study(study_name=place.study_name, storage=place.open())
    except KeyError as error:
        # A run that was killed between making the database and making the study in it.
        raise StorageError(
            f"{place.describe()}: holds no study named {place.study_name!r} yet. Give the same "
            "`goldilocks run` command again."
        ) from error
    except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError) as error:
        # RuntimeError: Optuna's word for a database of another version.
        raise StorageError(f"{place.describe()}: cannot be read as a study ({error}).") from error
    if place.elsewhere:
        check_owner(study, place)
    return study


def open_study(storage: RDBStorage, *, direction: Literal["maximize", "minimize"]) -> optuna.Study:
    """Open the study of a storage, making it when there is none."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        study_name=STUDY_NAME,
        storage=storage,
        direction=direction,
        load_if_exists=True,
    )


def check_same(study: optuna.Study, identity: Mapping[str, Any]) -> None:
    """Record what a study is, or compare with what it was made as.

    Args:
        study: new or existing.
        identity: plain data by field name; the options that make values comparable.

    Raises:
        StudyMismatchError: naming every field that differs, with both values.
    """
    stored = study.user_attrs.get("identity")
    if stored is None:
        study.set_user_attr("identity", dict(identity))
        return
    lines = identity_differences(stored, identity)
    if lines:
        raise StudyMismatchError(
            "out: this directory holds a study made with another configuration:\n"
            + "\n".join(lines)
            + "\nGive the study's own values to go on with it, or another --out for a new one."
        )


def identity_differences(stored: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return a line for each field in which a study and a run differ.

    >>> identity_differences({"epochs": 6}, {"epochs": 9})
    ['  epochs: the study has 6, this run 9']
    """
    return [
        f"  {name}: the study has {stored.get(name)!r}, this run {given.get(name)!r}"
        for name in sorted({*stored, *given})
        if stored.get(name) != given.get(name)
    ]


__all__ = [
    "STUDY_NAME",
    "Place",
    "StudyDirectory",
    "check_same",
    "identity_differences",
    "load_study",
    "open_storage",
    "open_study",
]
