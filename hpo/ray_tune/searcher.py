"""Ray's searcher of a study: asks the driver for trials and passes on how they end."""

from __future__ import annotations

from typing import Any, cast

from ray.tune.search import Searcher

from hpo.ray_tune.driver import StudyDriver
from hpo.ray_tune.unsaved import Unsaved


class StudySearcher(Unsaved, Searcher):
    """Suggests what the study asks for: trials that go on, replicates, new ones.

    Args:
        driver: keeps the study.
    """

    def __init__(self, driver: StudyDriver) -> None:
        super().__init__()
        self._driver = driver
        self._numbers: dict[str, int] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return the configuration of the next trial; `FINISHED` when there is none."""
        config = self._driver.next()
        if config is None:
            return cast("dict[str, Any]", Searcher.FINISHED)  # Ray's word, in spite of the type
        self._numbers[trial_id] = config["number"]
        return config

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell the study how a trial ended; `StudyScheduler` has said why it failed."""
        number = self._numbers.pop(trial_id)
        self._driver.ended(number, error=self._driver.why_given_up(number) if error else "")

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the study is the record."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: the study is the record."""
