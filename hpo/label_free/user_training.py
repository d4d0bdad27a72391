"""A training function of the user's own as an objective for an Optuna study."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import Any, overload

import optuna

from hpo.errors import ConfigError
from hpo.label_free.goal import Aimed, Goal
from hpo.label_free.joining import MEASURED_AS, agree, join
from hpo.label_free.measured import Start, check_yielded, digest_of, measure_yielded, record_of
from hpo.label_free.suggesting import Space, check_space, suggest
from hpo.label_free.telling import Gate, Telling, failure_recorded, record_cost
from hpo.label_free.yielded import Embeddings, numbered

Train = Callable[[Any], Iterable[Any]]


class UserObjective(Aimed):
    """Runs a user's training function for a trial, and measures what it yields.

    `label_free_objective` makes it and says what its arguments are.
    """

    def __init__(
        self,
        train: Train,
        space: Space | None = None,
        *,
        objective: str | Sequence[str] = "guarded_alpha",
        prune: bool = True,
        patience: int = 2,
        least_moved: float = 0.1,
        centred: bool = False,
    ) -> None:
        if not callable(train):
            raise ConfigError(f"train: got {train!r}; wanted a function that yields embeddings.")
        check_space(space)
        self.train, self.space = train, space
        self._goal, self._centred = Goal.of(objective), centred
        self._gate = Gate(prune, patience, least_moved)

    def __call__(self, trial: optuna.Trial) -> float | tuple[float, ...]:
        """Run a trial, as `study.optimize(objective)` does.

        Returns:
            The measure of what was yielded last, in `direction`; or one for each objective.

        Raises:
            optuna.TrialPruned: when the trial collapsed, or the study's pruner stopped it; the
                training function is closed, so that its `finally` runs.
            ConfigError: for something else than embeddings, or embeddings that the objective
                cannot be taken of.
            StudyMismatchError: for embeddings that cannot be compared with other trials'.
        """
        with failure_recorded(trial):
            join(trial.study, self._goal, {"objective": self._goal.names}, {})
            telling = Telling(trial, self._goal, self._gate)
            with closing(self._begin(trial)) as training:
                self._follow(trial, telling, training)
            if telling.n_rungs == 0:
                raise ConfigError(
                    "train: ended without yielding embeddings of a trained network; yield them at "
                    "each rung, and at the end."
                )
            return telling.end()

    def _begin(self, trial: optuna.Trial) -> Generator[Any, Any, Any]:
        given: Any = trial
        if self.space is not None:
            given = suggest(trial, self.space)
            trial.set_user_attr("hyperparameters", given)
        training = self.train(given)
        if not isinstance(training, Generator):
            raise ConfigError(
                f"train: returned a {type(training).__name__}; wanted a generator, a function "
                "with `yield epoch, embeddings` at each rung."
            )
        return training

    def _follow(
        self, trial: optuna.Trial, telling: Telling, training: Generator[Any, Any, Any]
    ) -> None:
        start: Start | None = None
        train_seconds = measure_seconds = 0.0
        since = time.monotonic()
        for epoch, found in numbered(training):
            began = time.monotonic()
            train_seconds += began - since
            self._check(trial, found)
            if epoch == 0:
                # Never reported: every measure of rank looks its best on what never learned.
                start = Start.of(found, centred=self._centred)
                since = time.monotonic()
                continue
            record = measure_yielded(found, start, centred=self._centred)
            measure_seconds += time.monotonic() - began
            record["values"]["seconds"] = train_seconds + measure_seconds
            telling.rung(epoch, record)
            record_cost(
                trial,
                epochs=epoch,
                images=0,
                train_seconds=train_seconds,
                measure_seconds=measure_seconds,
            )
            telling.ask()
            since = time.monotonic()

    def _check(self, trial: optuna.Trial, found: Embeddings) -> None:
        """Before the first measure, and so before any training where epoch 0 is yielded."""
        check_yielded(found, self._goal.measures)
        record = record_of(found, centred=self._centred)
        agree(trial.study, MEASURED_AS, record)
        if MEASURED_AS not in trial.user_attrs:
            trial.set_user_attr(MEASURED_AS, digest_of(record))
            if self.space is None:
                trial.set_user_attr("hyperparameters", dict(trial.params))


@overload
def label_free_objective(
    train: Train,
    space: Space | None = None,
    *,
    objective: str | Sequence[str] = "guarded_alpha",
    prune: bool = True,
    patience: int = 2,
    least_moved: float = 0.1,
    centred: bool = False,
) -> UserObjective: ...


@overload
def label_free_objective(
    train: None = None,
    space: Space | None = None,
    *,
    objective: str | Sequence[str] = "guarded_alpha",
    prune: bool = True,
    patience: int = 2,
    least_moved: float = 0.1,
    centred: bool = False,
) -> Callable[[Train], UserObjective]: ...


def label_free_objective(
    train: Train | None = None, space: Space | None = None, **options: Any
) -> UserObjective | Callable[[Train], UserObjective]:
    """Turn a training function into a label-free objective for `study.optimize`.

    The function yields the embeddings of a fixed set of images at each rung, as a tensor or array
    (n_images, dim), as `Embeddings`, or with the epoch before it: `yield 6, features`. `embed`
    makes them of a network. What is yielded is measured by all that it allows and reported to the
    trial; the study's pruner, ours or any of Optuna's, is asked; and where the trial is stopped
    the generator is closed, so that its `finally` runs. The value is that of the last yield.

    Yield epoch 0 before the first step: it is the untrained network, which is not reported. With
    it a collapse is seen earlier, and a network that hardly moved can never be the best trial:
    every measure of rank looks its best where nothing was learned.

    As a decorator, with or without options, it goes above the function.

    Args:
        train: a generator function of a trial, on which it suggests; or, with `space`, of a
            dictionary of hyperparameters. None, with options only, for a decorator.
        space: a `search_spaces.SearchSpace`, or Optuna's distributions by name.
        options: `objective`, the name of a measure (default "guarded_alpha", which needs views), or
            several for a study of several objectives, where Optuna has no pruning; `prune`,
            `patience` and `least_moved` as in `LabelFreeObjective`, the last of which needs epoch
            0; `centred`, True for methods without projector, such as masked ones, whose features
            share a large offset.

    Returns:
        The objective, with `direction` (or `directions`) for `optuna.create_study`.

    Raises:
        ConfigError: for an unknown measure or option, or a value out of its range.

    >>> import optuna, torch
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> @label_free_objective(objective="rankme")
    ... def train(trial):
    ...     decay = trial.suggest_float("decay", 0.1, 2.0)
    ...     scales = torch.arange(1, 9) ** -decay
    ...     for epoch in (1, 2):
    ...         yield torch.randn(100, 8, generator=torch.Generator().manual_seed(epoch)) * scales
    >>> study = optuna.create_study(direction=train.direction)
    >>> study.optimize(train, n_trials=2)
    >>> sorted(study.trials[0].intermediate_values)
    [1, 2]
    """
    known = ("objective", "prune", "patience", "least_moved", "centred")
    for name in options:
        if name not in known:
            raise ConfigError(f"{name}: is no option; known are {', '.join(known)}.")
    if train is not None:
        return UserObjective(train, space, **options)
    return lambda function: UserObjective(function, space, **options)
