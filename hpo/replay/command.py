"""The body of `goldilocks replay`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from rich.console import Console

from hpo.budget import Budget
from hpo.config import StudyConfig
from hpo.errors import ConfigError
from hpo.pruning import rung_epochs
from hpo.pruning.zone import EVERYWHERE, Zone
from hpo.replay.allowance import Allowance, beyond_budget
from hpo.replay.choosing import ChoiceSettings, Direction
from hpo.replay.comparison import Comparison, compare
from hpo.replay.events import Event
from hpo.replay.other_objective import with_objective
from hpo.replay.page import Outcome, replay_page, to_json
from hpo.replay.recording import Recording, read_recording
from hpo.replay.replaying import Replay, as_recorded, replay
from hpo.replay.settings import changed_config, differences, recorded_config
from hpo.replay.shuffles import over_orders
from hpo.rules import rules_of
from hpo.storage import StudyDirectory, load_study
from objectives import get_measure


def replay_study(
    console: Console,
    out: Path,
    *,
    as_json: bool = False,
    shuffles: int | None = None,
    seed: int = 0,
    **changes: Any,
) -> None:
    """Decide a recorded study again and print what would have been different.

    Args:
        console: to print on.
        out: directory of the study.
        as_json: print JSON and nothing else.
        shuffles: also replay this many random orders of the trials, >= 1.
        seed: of these orders.
        **changes: settings by option name; None keeps what was recorded.

    Raises:
        ConfigError: for an impossible setting, or one that the record cannot answer.
        StorageError: when there is no study, or it was not recorded for a replay.
    """
    if shuffles is not None and shuffles < 1:
        raise ConfigError(f"shuffles: got {shuffles}; wanted at least 1 order.")
    outcome = replay_outcome(load_study(StudyDirectory(out)), shuffles, seed, changes)
    if as_json:
        # Past the console: it would fold long lines and colour words.
        console.file.write(json.dumps(to_json(outcome), indent=2, allow_nan=False) + "\n")
        return
    console.print(replay_page(outcome))


def replay_outcome(
    study: optuna.Study,
    shuffles: int | None = None,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
) -> Outcome:
    """Decide a recorded study again; the arguments are those of `replay_study`."""
    player = Player.of(study, changes or {})
    replayed = player.replay(player.recording.events)
    return Outcome(
        differences=differences(player.config_then, player.config),
        rungs=player.rungs,
        replay=replayed,
        comparison=player.compare(replayed),
        shuffles=None
        if shuffles is None
        else over_orders(
            player.recording,
            lambda events: player.compare(player.replay(events)),
            n=shuffles,
            seed=seed,
        ),
    )


@dataclass(frozen=True)
class Player:
    """Replays a study under its settings or others.

    Args:
        recording: the study, under the objective of the replay.
        config_then: the recorded settings.
        config: those of the replay.
        direction: of the replay's objective.
        chosen_then: number of the recorded choice.
    """

    recording: Recording
    config_then: StudyConfig
    config: StudyConfig
    direction: Direction
    chosen_then: int | None
    then: Replay = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "then", as_recorded(self.recording.events))

    @classmethod
    def of(cls, study: optuna.Study, changes: Mapping[str, Any]) -> Player:
        """Read a study and change some of its settings."""
        recording = read_recording(study)
        config_then, config = recorded_config(study), changed_config(study, changes)
        measure = get_measure(config.objective)
        if config.objective != config_then.objective:
            recording = with_objective(recording, measure)
        choice: Mapping[str, Any] | None = study.user_attrs.get("choice")
        return cls(
            recording,
            config_then,
            config,
            measure.optimiser_direction,
            None if choice is None else int(choice["number"]),
        )

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs at which the trials were measured, whatever the replay's settings."""
        then = self.config_then
        return tuple(rung_epochs(then.epochs, factor=then.rung_factor, n_rungs=then.rungs))

    def replay(self, events: Iterable[Event]) -> Replay:
        """Decide events again."""
        rule = rules_of(self.config, direction=self.direction)
        if self.config.budget == self.config_then.budget:
            return replay(events, rule)
        allowance = Allowance(Budget.of(self.config), self.recording)
        replayed = replay(events, rule, allow=allowance)
        return replayed if allowance.refused else beyond_budget(replayed)

    def compare(self, replayed: Replay) -> Comparison:
        """Set a replay beside the record."""
        config = self.config
        how = ChoiceSettings(
            objective=config.objective,
            direction=self.direction,
            labels=config.labels,
            shortlist_share=config.shortlist_share,
            least_moved=config.least_moved,
            n_finalists=config.finalists,
            zone=EVERYWHERE if config.zone is None else Zone.parse(config.zone),
        )
        return compare(
            self.recording,
            self.then,
            replayed,
            how,
            rungs=self.rungs,
            chosen_then=self.chosen_then,
        )
