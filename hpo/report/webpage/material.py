"""What a report is made of, read once: the trials, what the study says of itself, where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from hpo.errors import StorageError
from hpo.options import StudyConfig
from hpo.pruning.zone import EVERYWHERE, GOLDILOCKS, Zone
from hpo.record import RUNG, TrialRow, read_rows
from hpo.report.choosing import rounds_of
from hpo.storage import StudyDirectory

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Material:
    """A study as the sections of its report see it.

    Args:
        study: as opened; for what reads studies itself.
        directory: the study's.
        running: whether a process is at work on it.
        rows: all trials, replicates too.
        trials: the same ones as Optuna has them, by the same order.
        attrs: of the study.
        direction: of the objective.
    """

    study: optuna.Study
    directory: StudyDirectory
    running: bool
    rows: tuple[TrialRow, ...]
    trials: tuple[FrozenTrial, ...]
    attrs: Mapping[str, Any]
    direction: Direction

    @classmethod
    def of(cls, study: optuna.Study, directory: StudyDirectory, *, running: bool) -> Material:
        """Read a study.

        Raises:
            StorageError: for a study of several objectives, which has no best trial.
        """
        if len(study.directions) != 1:
            raise StorageError(
                f"{directory.out}: got a study of {len(study.directions)} objectives; the report "
                "wants one. Look at it with optuna-dashboard."
            )
        rows = tuple(read_rows(study, running=running))
        # The rows first: a trial that was added meanwhile is left out of both.
        trials = tuple(study.get_trials(deepcopy=False)[: len(rows)])
        maximised = study.direction != StudyDirection.MINIMIZE
        return cls(
            study,
            directory,
            running,
            rows,
            trials,
            study.user_attrs,
            "maximize" if maximised else "minimize",
        )

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration; what an older study does not say has today's default."""
        defaults = {
            name: field.get_default(call_default_factory=True)
            for name, field in StudyConfig.model_fields.items()
        }
        return defaults | dict(self.attrs.get("config", {}))

    @property
    def objective(self) -> str:
        """Name of the measure that is optimised."""
        return str(self.config["objective"])

    @cached_property
    def own(self) -> tuple[TrialRow, ...]:
        """The trials that repeat no other."""
        return tuple(row for row in self.rows if row.replicate_of is None)

    @cached_property
    def chosen(self) -> TrialRow | None:
        """The chosen trial, if there is one."""
        choice = self.attrs.get("choice")
        number = None if choice is None else int(choice["number"])
        return next((row for row in self.rows if row.number == number), None)

    @cached_property
    def zone(self) -> Zone:
        """The zone of α: as given, as learned from probes, or the authors' to compare with."""
        return GOLDILOCKS if self.own_zone is None else self.own_zone

    @cached_property
    def own_zone(self) -> Zone | None:
        """The zone that the study goes by: as given or as learned from probes; None for none."""
        given = self.config["zone"]
        if given is not None:
            return Zone.parse(str(given))
        rounds = rounds_of(self.attrs)
        return rounds[-1].zone if rounds and rounds[-1].zone != EVERYWHERE else None

    def measured(self, number: int) -> dict[int, Mapping[str, float]]:
        """Return the measures of a trial by epoch, ascending."""
        attrs = self.trials[number].user_attrs
        epochs = sorted(int(key.removeprefix(RUNG)) for key in attrs if key.startswith(RUNG))
        return {epoch: attrs[f"{RUNG}{epoch}"] for epoch in epochs}
