"""Studies in every storage that Optuna brings, and trials that have reported."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import optuna
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import event

from hpo.history import Finding
from hpo.pruners import report_rung

Direction = Literal["maximize", "minimize"]
STORAGES = ("memory", "sqlite", "journal")
EPOCH = 6
DEAD = Finding("dimensional", "backbone", "backbone collapsed, dimensional: RankMe 1.1")

_names = (f"study {number}" for number in itertools.count())


class Shelf:
    """A storage that can be opened again, as another process would."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind, self._folder = kind, folder
        self._opened: list[BaseStorage] = []
        self.open()

    def open(self) -> BaseStorage:
        if self._kind == "memory" and self._opened:
            return self._opened[0]
        storage: BaseStorage
        if self._kind == "sqlite":
            storage = RDBStorage(f"sqlite:///{self._folder}/optuna.db")
            event.listen(storage.engine, "connect", _in_no_hurry)
            storage.engine.dispose()
        elif self._kind == "journal":
            storage = JournalStorage(JournalFileBackend(str(self._folder / "journal.log")))
        else:
            storage = InMemoryStorage()
        self._opened.append(storage)
        return storage

    def close(self) -> None:
        for storage in self._opened:
            if isinstance(storage, RDBStorage):
                storage.engine.dispose()

    def study(self, pruner: BasePruner, direction: Direction = "maximize") -> optuna.Study:
        return optuna.create_study(
            study_name=next(_names),
            storage=self._opened[0],
            direction=direction,
            pruner=pruner,
            sampler=optuna.samplers.RandomSampler(seed=0),
        )

    def again(self, study: optuna.Study, pruner: BasePruner) -> optuna.Study:
        return optuna.load_study(study_name=study.study_name, storage=self.open(), pruner=pruner)


def _in_no_hurry(connection: object, record: object) -> None:
    """Nobody pulls the plug in a test: SQLite need not wait for the disk."""
    connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]


def in_memory(pruner: BasePruner, direction: Direction = "maximize") -> optuna.Study:
    return optuna.create_study(
        direction=direction, pruner=pruner, sampler=optuna.samplers.RandomSampler(seed=0)
    )


def reported(
    study: optuna.Study,
    objective: float,
    alpha: float = 1.0,
    *,
    epoch: int = EPOCH,
    finding: Finding | None = None,
) -> optuna.Trial:
    trial = study.ask()
    report_rung(trial, epoch, objective, {"alpha_req": alpha}, finding)
    return trial


def frozen(study: optuna.Study, trial: optuna.Trial) -> optuna.trial.FrozenTrial:
    return study.get_trials(deepcopy=False)[trial.number]


def attrs(study: optuna.Study, trial: optuna.Trial) -> Mapping[str, object]:
    return frozen(study, trial).user_attrs
