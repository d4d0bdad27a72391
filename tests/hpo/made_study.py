"""A study whose trials were recorded, not trained: real storage, images, backbones, checkpoints."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.trial import TrialState, create_trial
from torch import Tensor, nn

from hpo.backbones import BackboneSpec, build_backbone
from hpo.budget import Budget
from hpo.checkpoint import save_checkpoint
from hpo.interruption import StopFlag
from hpo.meter import Meter
from hpo.observer import Silent
from hpo.online_filter import OnlineFilter
from hpo.prober import Prober
from hpo.storage import StudyDirectory, load_study, open_storage, open_study
from hpo.workload import Workload, prepare
from tests.hpo.studies import tiny


class Notes(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@dataclass
class MadeStudy:
    """A study in a directory, and what works on it.

    Args:
        directory: the study's.
        workload: its images.
        study: opened.
        notes: what observers were told.
    """

    directory: StudyDirectory
    workload: Workload
    study: optuna.Study
    notes: Notes = field(default_factory=Notes)

    @property
    def meter(self) -> Meter:
        return Meter(self.study, Budget(), StopFlag(), started=time.monotonic())

    def prober(self) -> Prober:
        return Prober(self.study, self.directory, self.workload, self.meter, self.notes)

    def filter(self, budget: Budget | None = None) -> OnlineFilter:
        return OnlineFilter(
            self.study,
            self.directory,
            self.workload,
            self.meter,
            self.notes,
            budget or Budget(),
            self.network(999),
        )

    def network(self, number: int) -> nn.Module:
        network = build_backbone(self.workload.backbone)
        network.load_state_dict(_weights(self.workload.backbone, number))
        return network

    def add(
        self,
        objective: float = 1.0,
        alpha: float = 1.0,
        moved: float = 0.5,
        state: TrialState = TrialState.COMPLETE,
        **attrs: Any,
    ) -> int:
        """Add a trial that has ended at the last rung, with a checkpoint; return its number."""
        number = len(self.study.get_trials(deepcopy=False))
        epoch = self.workload.config.epochs
        values = {"alpha_req": alpha, "moved": moved, "seconds": 1.0}
        self.study.add_trial(
            create_trial(
                state=state,
                value=objective,
                intermediate_values={epoch: objective},
                user_attrs={f"rung/{epoch}": values, "hyperparameters": {"lr": 0.1}, **attrs},
            )
        )
        weights = _weights(self.workload.backbone, number)
        learner = {f"backbone.{name}": tensor for name, tensor in weights.items()}
        save_checkpoint(self.directory.checkpoint(number), {"training": {"learner": learner}})
        return number

    def probes(self) -> list[int]:
        """Return the numbers of all trials with a probe, in the order in which they were made."""
        records = {
            int(key.removeprefix("probe/")): record["order"]
            for key, record in self.study.user_attrs.items()
            if key.startswith("probe/") and key.removeprefix("probe/").isdecimal()
        }
        return sorted(records, key=lambda number: records[number])

    def record(self) -> dict[str, Any]:
        """Return all that the study's attributes say, but for the time it took."""
        attrs = self.study.user_attrs
        return {key: value for key, value in attrs.items() if not key.startswith("session/")}

    def again(self) -> MadeStudy:
        """Return the same study as another process would open it."""
        return MadeStudy(self.directory, self.workload, load_study(self.directory))


def make_study(out: Path, **options: Any) -> MadeStudy:
    """Make an empty study of the digits."""
    given = {"labels": True, "max_images": 400, "measure_images": 64, **options}
    workload = _workload(tuple(sorted(given.items())))
    directory = StudyDirectory(out)
    directory.prepare()
    study = open_study(open_storage(directory.database), direction="maximize")
    return MadeStudy(directory, workload, study)


@cache
def _workload(options: tuple[tuple[str, Any], ...]) -> Workload:
    """Nothing changes a workload, so tests with the same options share one."""
    return prepare(tiny(Path("never-written"), **dict(options)))


@cache
def _weights(spec: BackboneSpec, seed: int) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return dict(build_backbone(spec).state_dict())
