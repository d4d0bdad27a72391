"""Which trial comes next: one that was interrupted, or a new one while limits allow."""

from __future__ import annotations

import random
import statistics
import warnings
from collections import deque
from collections.abc import Callable
from itertools import product

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpo.budget import Budget
from hpo.config import StudyConfig
from hpo.meter import Clock
from hpo.record import RUNG
from search_spaces import Categorical, SearchSpace
from search_spaces.dimensions import Value


def grid_of(space: SearchSpace, seed: int) -> list[dict[str, Value]]:
    """Return every point of a space of nothing but choices, such as a paper's grid.

    A sampler would draw some of them twice and others never.

    Args:
        space: what varies.
        seed: of the order; the defaults come first.

    Returns:
        The points; empty when something varies continuously or under a condition.

    >>> from search_spaces import Categorical
    >>> grid_of(SearchSpace("m", {"a": Categorical((1, 2), default=2)}), seed=0)
    [{'a': 2}, {'a': 1}]
    """
    choices = {
        name: d.choices
        for name, d in space.dimensions.items()
        if isinstance(d, Categorical) and d.when is None
    }
    if not choices or len(choices) < len(space.dimensions):
        return []
    points = [dict(zip(choices, point, strict=True)) for point in product(*choices.values())]
    random.Random(seed).shuffle(points)
    return sorted(points, key=lambda point: point != space.defaults)


class Asking:
    """Hands out the trials of a study, each with all its hyperparameters drawn.

    One process asks for all workers, so that the number of trials is exact, the published
    defaults come first once, and every draw knows what is running.

    Args:
        study: where they are recorded.
        config: the limits and the seed.
        space: what is drawn.
        clock: says how much of the budget is spent.
        first_rung: the epoch of the first rung.
        suggest: draws and records the hyperparameters of a trial.
        note: told why a trial goes on, and why no other starts.
    """

    def __init__(
        self,
        study: optuna.Study,
        config: StudyConfig,
        space: SearchSpace,
        clock: Clock,
        *,
        first_rung: int,
        suggest: Callable[[optuna.Trial], object],
        note: Callable[[str], None],
    ) -> None:
        self.study, self.config, self.space, self.clock = study, config, space, clock
        self._first_rung_key = f"{RUNG}{first_rung}"
        self._suggest, self._note = suggest, note
        self._budget = Budget(config.budget_seconds, config.probe_share)
        # Whoever holds the study's lock is their only possible owner: their processes are dead.
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        self._orphans = deque(trial.number for trial in running)
        self._ended = False
        self._grid = grid_of(space, config.seed)

    def next(self) -> optuna.Trial | None:
        """Return the next trial to run; None when there is none, for good."""
        if self._orphans:
            return self._continued(self._orphans.popleft())
        return None if self._ended else self._new()

    def take_back(self, number: int) -> None:
        """Hand a trial out again whose worker died."""
        self._orphans.append(number)

    def _continued(self, number: int) -> optuna.Trial:
        frozen = self.study.get_trials(deepcopy=False)[number]
        self.study.sampler = self._sampler(number)
        self._note(f"trial {number}: goes on where it was interrupted")
        trial = optuna.Trial(self.study, frozen._trial_id)
        if "hyperparameters" not in frozen.user_attrs:
            self._redraw(trial, frozen)
        self._suggest(trial)
        return trial

    def _redraw(self, trial: optuna.Trial, frozen: FrozenTrial) -> None:
        """Bring the sampler to where it was when a process died in the middle of drawing.

        What was drawn is stored and not drawn again, so the draws it took have to be skipped for
        the rest to come out as it would have. A range may depend on what was drawn before, so
        each draw is repeated with the range that it had.
        """
        drawn_together = trial.relative_params
        for name in self.space.asked(frozen.params):
            if name in drawn_together:
                continue
            distribution = frozen.distributions[name]
            # Optuna does not ask its sampler where there is only one value.
            if not distribution.single():
                self.study.sampler.sample_independent(self.study, frozen, name, distribution)

    def _new(self) -> optuna.Trial | None:
        trials = self.study.get_trials(deepcopy=False)
        n_started = sum(t.state != TrialState.WAITING for t in trials)
        if self.config.n_trials is not None and n_started >= self.config.n_trials:
            self._ended = True
            return None
        decision = self._budget.next_trial_decision(
            self.clock.seconds, self._first_rung_seconds(trials)
        )
        if decision.stop:
            self._ended = True
            self._note(f"search: {decision.reason}")
            return None
        if self._grid:
            if n_started >= len(self._grid):
                self._ended = True
                self._note(f"search: all {len(self._grid)} points of the grid have had their trial")
                return None
            if n_started == len(trials):  # else one was enqueued when a process died
                self.study.enqueue_trial(self._grid[n_started])
        elif not trials:
            # The published defaults go first: every search should beat them.
            self.study.enqueue_trial(self.space.defaults)
        self.study.sampler = self._sampler(n_started)
        with warnings.catch_warnings():
            # Optuna expects `optimize` where there is a heartbeat; the clock keeps it instead.
            warnings.filterwarnings("ignore", message="Heartbeat of storage")
            trial = self.study.ask()
        self._suggest(trial)
        return trial

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """A sampler seeded by study and trial, so that a resumed study draws what it would have.

        What runs at the same time counts as bad until it is known (`constant_liar`), or several
        workers would be given nearly the same point.
        """
        limit = self.config.n_trials or 40
        return optuna.samplers.TPESampler(
            seed=(self.config.seed * 100_003 + number) % 2**32,
            n_startup_trials=min(10, max(4, limit // 3)),
            constant_liar=True,
        )

    def _first_rung_seconds(self, trials: list[FrozenTrial]) -> float | None:
        costs = [
            float(t.user_attrs[self._first_rung_key]["seconds"])
            for t in trials
            if "seconds" in t.user_attrs.get(self._first_rung_key, {})
        ]
        return statistics.median(costs) if costs else None
