"""Stops collapsed trials of any Ray Tune experiment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ray.tune import Stopper

from hpo.decision import Decision
from hpo.pruning import CollapseRule
from hpo.ray_tune.results import ResultHistory


class CollapseStopper(Stopper):
    """Stops a trial whose representation is dead; works beside any scheduler and any searcher.

    It reads the key `collapse` of each result: the kind of collapse, of `hpo.pruning.collapse.
    KINDS`, any other word, or "" for none. Our trainable reports it. What it has seen is pickled
    with the experiment, at its beginning: after `Tuner.restore` it counts from there.

    Args:
        kinds: of collapse that count; None for all: see `hpo.pruning.CollapseRule`.
        patience: results in a row in which a collapse near its threshold must be seen, >= 1.
        time_attr: key of the epoch.

    Raises:
        ConfigError: for an unknown kind or a patience below 1; for a result without `time_attr`.

    >>> stopper = CollapseStopper()
    >>> stopper("a", {"epoch": 2, "collapse": ""}), stopper("a", {"epoch": 6, "collapse": "shrunk"})
    (False, True)
    >>> stopper.reasons()
    {'a': 'collapsed: shrunk'}
    """

    def __init__(
        self,
        kinds: Iterable[str] | None = None,
        patience: int = 2,
        *,
        time_attr: str = "epoch",
    ) -> None:
        self._rule = CollapseRule(None if kinds is None else frozenset(kinds), patience)
        self._history = ResultHistory(time_attr=time_attr)
        self._stops: dict[str, Decision] = {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Return whether the trial is to end with this result."""
        reading = self._history.take(trial_id, result)
        decision = self._rule.decide(reading, self._history.before(reading))
        if decision.stop:
            self._stops[trial_id] = decision
        return decision.stop

    def stop_all(self) -> bool:
        """Never end the whole experiment."""
        return False

    def decisions(self) -> dict[str, Decision]:
        """Return the decision on each trial that was stopped, by Ray's name of the trial."""
        return dict(self._stops)

    def reasons(self) -> dict[str, str]:
        """Return why each trial was stopped, by Ray's name of the trial."""
        return {trial_id: decision.reason for trial_id, decision in self._stops.items()}
