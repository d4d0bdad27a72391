"""Successive halving at equal epochs, in any Optuna study."""

from __future__ import annotations

import optuna
from optuna.study import StudyDirection

from hpo.errors import ConfigError
from hpo.history import Rule
from hpo.pruners.rule_pruner import RulePruner
from hpo.pruning import Direction, HalvingRule


class HalvingPruner(RulePruner):
    """Stops a trial that is not in the top 1/factor of the living at its rung.

    Compared are the values at the same epoch, never the best so far, and not only those of
    finished trials. Values that are not finite count for nothing in others' verdicts.

    Args:
        factor: one trial in `factor` goes on, >= 2.
        min_peers: with fewer others at the rung nobody is stopped there, >= 0.
        last_epoch: from this epoch on a trial is finished; None for never.
        n_warmup_steps: nobody is stopped before this epoch, >= 0.
        interval_steps: epochs from check to check, >= 1.
        measure: what is compared, by its name in `report_rung`; None for the reported value.
        direction: what is better in `measure`; None for the study's, of the reported value.

    Raises:
        ConfigError: for an argument out of its range, or a measure without a direction.

    >>> study = optuna.create_study(direction="maximize", pruner=HalvingPruner(min_peers=1))
    >>> for value in (2.0, 1.0):
    ...     trial = study.ask()
    ...     trial.report(value, step=6)
    >>> trial.should_prune(), study.trials[1].user_attrs["outcome"]["reason"]
    (True, 'place 2 of 2 at epoch 6; the best 1 go on')
    """

    def __init__(
        self,
        factor: int = 3,
        min_peers: int = 3,
        last_epoch: int | None = None,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        *,
        measure: str | None = None,
        direction: Direction | None = None,
    ) -> None:
        if measure is not None and direction is None:
            raise ConfigError(
                f"direction: got none for the measure {measure!r}; wanted maximize or minimize."
            )
        super().__init__(measure)
        self._factor, self._min_peers, self._last_epoch = factor, min_peers, last_epoch
        self._n_warmup_steps, self._interval_steps = n_warmup_steps, interval_steps
        self._direction = direction
        # Whatever is wrong is said here, and not at the first report.
        self._rule("maximize" if direction is None else direction)

    def rule(self, study: optuna.Study) -> Rule:
        """Return the rule, in the direction of the study where none was given."""
        if self._direction is not None:
            return self._rule(self._direction)
        maximizes = study.direction == StudyDirection.MAXIMIZE
        return self._rule("maximize" if maximizes else "minimize")

    def _rule(self, direction: Direction) -> HalvingRule:
        return HalvingRule(
            direction=direction,
            factor=self._factor,
            min_peers=self._min_peers,
            last_epoch=self._last_epoch,
            measure=self._measure,
            n_warmup_steps=self._n_warmup_steps,
            interval_steps=self._interval_steps,
        )
