"""What a study optimises: one measure, or several at once; and whether a study is made for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.pruners import MedianPruner, NopPruner

from hpo.errors import ConfigError
from hpo.history import Finding
from hpo.judging import judged
from hpo.known_names import OBJECTIVES, known
from objectives import Measure, get_measure

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Goal:
    """The measures that are optimised.

    Args:
        measures: one, or several for a study of several objectives.
    """

    measures: tuple[Measure, ...]

    @classmethod
    def of(cls, objective: str | Sequence[str]) -> Goal:
        """Look the measures up.

        Args:
            objective: name of a measure, or several names, each once.

        Raises:
            ConfigError: for none, an unknown one or one that comes twice.

        >>> Goal.of(("guarded_alpha", "alpha_req")).directions
        ['maximize', 'minimize']
        """
        names = (objective,) if isinstance(objective, str) else tuple(objective)
        if not names or len(set(names)) < len(names):
            raise ConfigError(
                f"objective: got {objective!r}; wanted the name of a measure, or several names, "
                "each once."
            )
        for name in names:
            try:
                known("objective", name, OBJECTIVES)
            except ValueError as error:
                raise ConfigError(f"objective: {error}") from error
        return cls(tuple(get_measure(name) for name in names))

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.measures) > 1

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [measure.name for measure in self.measures]

    @property
    def direction(self) -> Direction:
        """For `optuna.create_study(direction=…)`.

        Raises:
            ConfigError: for several objectives.
        """
        if self.several:
            raise ConfigError(
                f"direction: there is one for each of {', '.join(self.names)}; give "
                "optuna.create_study directions=objective.directions."
            )
        return self.measures[0].optimiser_direction

    @property
    def directions(self) -> list[Direction]:
        """For `optuna.create_study(directions=…)`, one for each measure."""
        return [measure.optimiser_direction for measure in self.measures]

    def judge(self, epoch: int, record: Mapping[str, Any]) -> tuple[list[float], Finding | None]:
        """Return what a record says: the objectives, and the collapse that was seen, if any.

        Args:
            epoch: of the record.
            record: as `hpo.trial_training.TrialTraining.measure` returns it.
        """
        each = [judged(measure, epoch, record) for measure in self.measures]
        found = next((finding for _, finding in each if finding is not None), None)
        return [objective for objective, _ in each], found

    def check(self, study: optuna.Study) -> None:
        """Refuse a study that was made for something else, before anything is trained.

        Raises:
            ConfigError: for other directions; or for a pruner that was asked for in a study of
                several objectives, where Optuna has no pruning.
        """
        got = [direction.name.lower() for direction in study.directions]
        if got != self.directions:
            wanted = (
                "directions=objective.directions"
                if self.several
                else ("direction=objective.direction")
            )
            raise ConfigError(
                f"direction: study {study.study_name!r} is to {' and '.join(got)}; "
                f"{', '.join(self.names)} wants {' and '.join(self.directions)}. Make it with "
                f"optuna.create_study({wanted})."
            )
        # Optuna gives every study a MedianPruner, also one that never asks it.
        if self.several and not isinstance(study.pruner, MedianPruner | NopPruner):
            raise ConfigError(
                f"pruner: got {type(study.pruner).__name__} in a study of {len(got)} objectives; "
                "Optuna has no pruning there. Leave it out, or optimise one measure and prune on "
                "another, as hpo.pruners does with `measure`."
            )


class Aimed:
    """What an Optuna objective with a goal says of itself to whoever creates its study."""

    _goal: Goal

    @property
    def direction(self) -> Direction:
        """For `optuna.create_study(direction=objective.direction)`.

        Raises:
            ConfigError: for several objectives.
        """
        return self._goal.direction

    @property
    def directions(self) -> list[Direction]:
        """For `optuna.create_study(directions=objective.directions)`."""
        return self._goal.directions
