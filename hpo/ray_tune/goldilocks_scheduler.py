"""The study's pruning rules as a scheduler of any Ray Tune experiment."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from hpo.decision import Decision
from hpo.errors import ConfigError
from hpo.history import Rule
from hpo.pruning import CollapseRule, FirstStop, HalvingRule, Zone, ZoneRule
from hpo.ray_tune.results import ResultHistory

_LOGGER = logging.getLogger(__name__)
_DIRECTIONS = {"max": "maximize", "min": "minimize"}


class GoldilocksScheduler(FIFOScheduler):
    """Stops trials as a study does: collapsed, too far from the zone, behind at their rung.

    The rules are those of `hpo.pruners`, and so are the verdicts. Trials start in the order in
    which they come. What was seen is kept in memory only: after `Tuner.restore`, for which Ray
    keeps no scheduler's state, trials are compared with those that report from then on.

    Args:
        metric: key of the objective; None takes the one of `TuneConfig`.
        mode: "max" or "min"; None takes the one of `TuneConfig`.
        measure: key of what the zone is of.
        zone: where it is as it should be; None stops nobody for it.
        share: this share of the trials at a rung, the closest to the zone, goes on; None: whoever
            is outside stops.
        factor: at each rung the best 1/factor go on, >= 2; None stops nobody for being behind.
        min_peers: with fewer others at a rung nobody is compared there, >= 0.
        last_epoch: from this epoch on a trial is finished; None for never.
        kinds: of collapse that count; None for all.
        patience: results in a row in which a collapse near its threshold must be seen, >= 1.
        explore_share: this share of all trials goes on wherever its `measure` lies, in [0, 1].
        seed: shifts who explores.
        time_attr: key of the epoch; trials are compared where it is equal.

    Raises:
        ConfigError: for an argument out of its range, or a result without one of the keys.

    Source:
        the zone: Agrawal et al. 2022 (α-ReQ); halving: Li et al. 2020 (arXiv 1810.05934).
    """

    # A buffered result would be judged when the trial has trained on.
    _supports_buffered_results = False

    def __init__(
        self,
        metric: str | None = None,
        mode: str | None = None,
        *,
        measure: str = "alpha_req",
        zone: Zone | None = None,
        share: float | None = 2 / 3,
        factor: int | None = 3,
        min_peers: int = 3,
        last_epoch: int | None = None,
        kinds: Iterable[str] | None = None,
        patience: int = 2,
        explore_share: float = 0.0,
        seed: int = 0,
        time_attr: str = "epoch",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._metric, self._mode = metric, mode
        rules: list[Rule] = [CollapseRule(None if kinds is None else frozenset(kinds), patience)]
        if zone is not None:
            rules.append(
                ZoneRule(
                    measure=measure,
                    zone=zone,
                    share=share,
                    min_peers=min_peers,
                    last_epoch=last_epoch,
                    explore_share=explore_share,
                    seed=seed,
                )
            )
        self._rules, self._factor = rules, factor
        self._min_peers, self._last_epoch = min_peers, last_epoch
        measures = () if zone is None else (measure,)
        self._history = ResultHistory(time_attr=time_attr, metric=metric, measures=measures)
        self._stops: dict[str, Decision] = {}
        # Whatever is wrong is said here, and not at the first result.
        self._rule = self._all_rules(mode or "max")

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Take metric and mode from `TuneConfig`; refuse where both places name one.

        Raises:
            ConfigError: where neither names one.
        """
        if (metric and self._metric) or (mode and self._mode):
            return False
        self._metric, self._mode = self._metric or metric, self._mode or mode
        for name, value in (("metric", self._metric), ("mode", self._mode)):
            if value is None:
                raise ConfigError(
                    f"{name}: got none; wanted it here or in TuneConfig, as in "
                    "metric='guarded_alpha', mode='max'."
                )
        self._history.metric = self._metric
        self._rule = self._all_rules(str(self._mode))
        return True

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Number the trial."""
        self._history.number(trial.trial_id)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Judge a trial by its newest result."""
        reading = self._history.take(trial.trial_id, result)
        decision = self._rule.decide(reading, self._history.before(reading))
        if not decision.stop:
            return TrialScheduler.CONTINUE
        if decision.kind == "collapse":
            self._history.stopped_as_collapsed(reading.trial)
        self._stops[trial.trial_id] = decision
        _LOGGER.info("trial %s stopped: %s", trial.trial_id, decision.reason)
        return TrialScheduler.STOP

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Keep the last result for others' verdicts: one that ends a trial comes here alone."""
        self._history.take(trial.trial_id, result)

    def decisions(self) -> dict[str, Decision]:
        """Return the decision on each trial that was stopped, by Ray's name of the trial."""
        return dict(self._stops)

    def reasons(self) -> dict[str, str]:
        """Return why each trial was stopped, by Ray's name of the trial."""
        return {trial_id: decision.reason for trial_id, decision in self._stops.items()}

    def debug_string(self) -> str:
        """Return a line for Ray's console."""
        kinds = [decision.kind for decision in self._stops.values()]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
        return f"Goldilocks: stopped {counts or 'nobody'}"

    def _all_rules(self, mode: str) -> Rule:
        if mode not in _DIRECTIONS:
            raise ConfigError(f"mode: got {mode!r}; wanted max or min.")
        rules = list(self._rules)
        if self._factor is not None:
            rules.append(
                HalvingRule(
                    direction="maximize" if mode == "max" else "minimize",
                    factor=self._factor,
                    min_peers=self._min_peers,
                    last_epoch=self._last_epoch,
                )
            )
        return FirstStop(tuple(rules))
