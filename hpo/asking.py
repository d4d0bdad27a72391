"""Which trial comes next: an interrupted one, a finalist's replicate, or a new one."""

from __future__ import annotations

import random
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from itertools import product

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpo.budget import Budget
from hpo.config import StudyConfig
from hpo.ledger import REPLICATE_OF, Ledger
from hpo.meter import Clock
from hpo.warm_start.recording import points_of
from hpo.warm_start.turn import following
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
        ledger: says what may still be spent; by default one that knows only of time and epochs.

    Attributes:
        replicates: (number of the trial, other seed) of what is to be repeated, first come first
            served, and before any new trial.
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
        ledger: Ledger | None = None,
    ) -> None:
        self.study, self.config, self.space, self.clock = study, config, space, clock
        self.replicates: deque[tuple[int, int]] = deque()
        self._first_rung = first_rung
        self._suggest, self._note = suggest, note
        self._ledger = ledger or Ledger(study, Budget.of(config), clock)
        # Whoever holds the study's lock is their only possible owner: their processes are dead.
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        self._orphans = deque(trial.number for trial in running)
        self._ended = False
        self._grid = grid_of(space, config.seed)
        self._carried = points_of(study)

    def next(self) -> optuna.Trial | None:
        """Return the next trial to run; None when there is none, for good.

        Or until there are more `replicates`.
        """
        if self._orphans:
            return self._continued(self._orphans.popleft())
        trials = self.study.get_trials(deepcopy=False)
        if self.replicates or self.waiting_replicates():
            return self._replicate(trials)
        return None if self._ended else self._new(trials)

    def enqueue_replicate(self, number: int, seed: int) -> None:
        """Have a trial run again under another seed, as far as the budget goes.

        Args:
            number: of the trial.
            seed: of the other weights and draws.
        """
        self.replicates.append((number, seed))

    def waiting_replicates(self) -> bool:
        """Whether a replicate waits that a dead process had enqueued."""
        trials = self.study.get_trials(deepcopy=False)
        return any(_waits(trial) and _is_replicate(trial) for trial in trials)

    def take_back(self, number: int) -> None:
        """Hand a trial out again whose worker died."""
        self._orphans.append(number)

    def _continued(self, number: int) -> optuna.Trial:
        trials = self.study.get_trials(deepcopy=False)
        frozen = trials[number]
        self.study.sampler = self._sampler(len(_own(trials[:number])))
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

    def _replicate(self, trials: Sequence[FrozenTrial]) -> optuna.Trial | None:
        """Ask for the next replicate; one that a dead process had enqueued comes first."""
        ledger = self._ledger
        spend = ledger.spend(fresh=True)
        decision = ledger.budget.replicate_decision(spend, ledger.rung_cost(0, self.config.epochs))
        if decision.stop:
            self.replicates.clear()
            self._note(f"replicates: {decision.reason}")
            return None
        if not any(_waits(t) and _is_replicate(t) for t in trials):
            number, seed = self.replicates.popleft()
            self.study.enqueue_trial(
                trials[number].params, user_attrs={REPLICATE_OF: number, "seed": seed}
            )
        return self._asked(len(_own(trials)))

    def _new(self, trials: Sequence[FrozenTrial]) -> optuna.Trial | None:
        own = _own(trials)
        n_started = sum(not _waits(t) for t in own)
        reason = self._why_no_other(own, n_started)
        if reason is not None:
            self._ended = True
            if reason:
                self._note(f"search: {reason}")
            return None
        if n_started == len(own):  # else one was enqueued when a process died
            first = following(
                own, defaults=self.space.defaults, points=self._carried, grid=self._grid
            )
            if first is not None:
                self.study.enqueue_trial(first[0], user_attrs=first[1])
        return self._asked(n_started)

    def _why_no_other(self, own: Sequence[FrozenTrial], n_started: int) -> str | None:
        """Say why no new trial starts; empty where the user knows, None when one may."""
        if self.config.n_trials is not None and n_started >= self.config.n_trials:
            return ""
        if self._grid and n_started >= len(self._grid):
            return f"all {len(self._grid)} points of the grid have had their trial"
        ledger = self._ledger
        decision = ledger.budget.next_trial_decision(
            ledger.spend(fresh=True),
            ledger.rung_cost(0, self._first_rung),
            ledger.rung_cost(0, self.config.epochs),
            any(trial.state == TrialState.COMPLETE for trial in own),
        )
        return decision.reason if decision.stop else None

    def _asked(self, place: int) -> optuna.Trial:
        self.study.sampler = self._sampler(place)
        with warnings.catch_warnings():
            # Optuna expects `optimize` where there is a heartbeat; the clock keeps it instead.
            warnings.filterwarnings("ignore", message="Heartbeat of storage")
            trial = self.study.ask()
        self._suggest(trial)
        return trial

    def _sampler(self, place: int) -> optuna.samplers.BaseSampler:
        """A sampler seeded by study and place, so that a resumed study draws what it would have.

        What runs at the same time counts as bad until it is known (`constant_liar`), or several
        workers would be given nearly the same point.

        Args:
            place: of the trial among those that are no replicates, from 0.
        """
        seed = (self.config.seed * 100_003 + place) % 2**32
        if self.config.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        limit = self.config.n_trials or 40
        return optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=min(10, max(4, limit // 3)),
            constant_liar=True,
        )


def _is_replicate(trial: FrozenTrial) -> bool:
    return REPLICATE_OF in trial.user_attrs


def _waits(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.WAITING


def _own(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that a study counts: all but replicates."""
    return [trial for trial in trials if not _is_replicate(trial)]
