"""An Optuna study as the searcher of a Ray experiment, which records what really happened."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import optuna
import ray.cloudpickle as cloudpickle
from optuna.trial import TrialState
from ray.tune.search import Searcher

from hpo.errors import ConfigError
from hpo.pruners import report_rung
from hpo.ray_tune.results import finding_in
from search_spaces import SearchSpace


class LabelFreeSearcher(Searcher):
    """Draws hyperparameters from an Optuna study and tells it how trials ended.

    Whoever a scheduler or a stopper ended early is told as pruned, with every value that it
    reported, a collapsed trial as infeasible, an error as failed. Ray's own `OptunaSearch` tells
    Optuna 5 that all of them are complete, and leaves trials without a value running for ever.

    Args:
        space: of the method, such as `search_spaces.get("simclr")`.
        metric: key of the objective in each result.
        mode: "max" or "min".
        last_epoch: a trial that came to it is complete.
        study: to record in, made with `direction`; None makes one in memory.
        time_attr: key of the epoch.
        seed: of the sampler of a study that is made here.

    Raises:
        ConfigError: for another mode, a `last_epoch` below 1, or a study of another direction.

    >>> import search_spaces
    >>> searcher = LabelFreeSearcher(search_spaces.get("simclr"), "guarded_alpha", last_epoch=6)
    >>> sorted(searcher.suggest("a"))
    ['lr', 'temperature', 'weight_decay']
    """

    def __init__(
        self,
        space: SearchSpace,
        metric: str,
        mode: str = "max",
        *,
        last_epoch: int,
        study: optuna.Study | None = None,
        time_attr: str = "epoch",
        seed: int | None = None,
    ) -> None:
        if mode not in ("max", "min"):
            raise ConfigError(f"mode: got {mode!r}; wanted 'max' or 'min'.")
        if last_epoch < 1:
            raise ConfigError(f"last_epoch: got {last_epoch}; wanted at least 1.")
        super().__init__(metric=metric, mode=mode)
        direction: Literal["maximize", "minimize"] = "maximize" if mode == "max" else "minimize"
        if study is None:
            sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
            study = optuna.create_study(direction=direction, sampler=sampler)
        elif [d.name.lower() for d in study.directions] != [direction]:
            raise ConfigError(
                f"study: got one of {[d.name.lower() for d in study.directions]}; mode {mode!r} "
                f"wants a single objective to {direction}."
            )
        self.study = study
        self._space, self._last_epoch, self._time_attr = space, last_epoch, time_attr
        self._numbers: dict[str, int] = {}

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """Return the hyperparameters of a new trial, without what is fixed."""
        trial = self.study.ask()
        drawn = self._space.suggest(trial)
        self._numbers[trial_id] = trial.number
        return {name: value for name, value in drawn.items() if name in self._space.dimensions}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Record a result of a trial that goes on."""
        trial = self._trial(trial_id)
        if trial is not None:
            self._report(trial, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Record how a trial ended; its last result is told here alone where it was stopped."""
        trial = self._trial(trial_id)
        self._numbers.pop(trial_id, None)
        if trial is None:
            return
        if error or not result:
            self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            return
        self._report(trial, result)
        value = float(result.get(str(self.metric), math.nan))
        dead = finding_in(result) is not None or not math.isfinite(value)
        if dead:
            # Infeasible, not failed: the sampler learns "never here" and stays away.
            trial.set_constraint("collapse", 1.0)
        if dead or self._epoch(result) < self._last_epoch:
            self.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
        else:
            self.study.tell(trial, value, skip_if_finished=True)

    def save(self, checkpoint_path: str) -> None:
        """Save which trial is whose, and the study."""
        state = cloudpickle.dumps((self.study, self._numbers))  # type: ignore[no-untyped-call]
        Path(checkpoint_path).write_bytes(state)

    def restore(self, checkpoint_path: str) -> None:
        """Go on with a saved study; trials that were asked for after that are asked for again."""
        self.study, self._numbers = cloudpickle.loads(Path(checkpoint_path).read_bytes())
        # The stored draws would be drawn a second time.
        self.study.sampler.reseed_rng()
        known = set(self._numbers.values())
        for frozen in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if frozen.number not in known:
                self.study.tell(frozen.number, state=TrialState.FAIL)
                self.study.enqueue_trial(frozen.params)

    def _trial(self, trial_id: str) -> optuna.Trial | None:
        """The trial of a name; None for one that has ended, or was never asked for here."""
        number = self._numbers.get(trial_id)
        if number is None:
            return None
        frozen = self.study.get_trials(deepcopy=False)[number]
        if frozen.state.is_finished():
            return None
        return optuna.Trial(self.study, frozen._trial_id)

    def _report(self, trial: optuna.Trial, result: Mapping[str, Any]) -> None:
        # Under its own name each: flat numbers of the result, Ray's own among them left out.
        values = {
            name: float(value)
            for name, value in result.items()
            if isinstance(value, float) and not name.startswith("time_")
        }
        report_rung(
            trial,
            self._epoch(result),
            float(result.get(str(self.metric), math.nan)),
            values,
            finding_in(result),
        )

    def _epoch(self, result: Mapping[str, Any]) -> int:
        try:
            return int(result[self._time_attr])
        except KeyError:
            raise ConfigError(
                f"time_attr: got no {self._time_attr!r} in a result; wanted it in each. Report it, "
                "or name another key."
            ) from None
