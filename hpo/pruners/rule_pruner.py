"""A pure rule as an Optuna pruner; it keeps no state of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import Rule
from hpo.pruners.reading import history_for, reading_of
from hpo.pruners.storing import store_stop


class DecidingPruner(BasePruner, ABC):
    """A pruner that gives its reasons, and stores them with the trials it stops."""

    @abstractmethod
    def decide(self, study: optuna.Study, trial: FrozenTrial) -> Decision:
        """Return the verdict on a trial by its newest report, with its reason."""

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Optuna's door to `decide`."""
        decision = self.decide(study, trial)
        if decision.stop:
            store_stop(study, trial, decision)
        return decision.stop


class RulePruner(DecidingPruner):
    """A pruner round a pure rule.

    Args:
        measure: what the rule judges by, by its name in `report_rung`; None for the reported
            value.
    """

    def __init__(self, measure: str | None = None) -> None:
        self._measure = measure

    @abstractmethod
    def rule(self, study: optuna.Study) -> Rule:
        """Return the rule for a study."""

    def decide(self, study: optuna.Study, trial: FrozenTrial) -> Decision:
        """Return the verdict on a trial by its newest report, with its reason.

        Returns:
            The rule's decision; going on before the first report.

        Raises:
            ConfigError: for a study of several objectives, or a report without the measure.
        """
        check_single_objective(study)
        reading = reading_of(trial)
        if reading is None:
            return GO_ON
        if self._measure is not None and self._measure not in reading.values:
            # As nan it would stop every trial of a study that never measures it.
            raise ConfigError(
                f"measure: got no {self._measure!r} from trial {trial.number} at epoch "
                f"{reading.epoch}; wanted it among the values of report_rung, nan where it is "
                "undefined."
            )
        return self.rule(study).decide(reading, history_for(study, trial))


def check_single_objective(study: optuna.Study) -> None:
    """Refuse a study of several objectives.

    Raises:
        ConfigError: for one.
    """
    if len(study.directions) > 1:
        raise ConfigError(
            f"directions: got {len(study.directions)}; wanted one: Optuna takes no reports of "
            "several objectives. Optimise one measure and prune on another with `measure`."
        )
