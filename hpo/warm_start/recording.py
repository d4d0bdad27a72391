"""Taking configurations from older studies into a new one, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optuna

from hpo.config import StudyConfig
from hpo.errors import ConfigError, GoldilocksError
from hpo.place import recorded_place
from hpo.warm_start.carrying import CarriedOver, carry_over
from hpo.warm_start.point import WARM_START, Point
from hpo.warm_start.source import read_source
from search_spaces import SearchSpace


def check_sources(
    sources: Sequence[str],
    config: StudyConfig,
    *,
    n_trials: int,
    space: SearchSpace | None = None,
) -> None:
    """Check, before anything is recorded, that a new study can begin with older ones.

    A study that exists already has taken what it takes, and is not checked again.

    Args:
        sources: directories, or `URL#NAME`, of older studies.
        config: of the new study.
        n_trials: to take of each at most, >= 1.
        space: fitted to the images, once they are read; by default what the configuration says.

    Raises:
        ConfigError: with everything that does not fit.
    """
    if sources and recorded_place(config.out) is None:
        _carried(sources, config, space or config.search_space(), n_trials)


def record_points(
    study: optuna.Study,
    sources: Sequence[str],
    config: StudyConfig,
    space: SearchSpace,
    *,
    n_trials: int,
    note: Callable[[str], None],
) -> None:
    """Record in a new study what it begins with; each source is read once.

    The same command again therefore takes the same configurations, whatever became of the older
    study meanwhile. Only configurations are recorded, never a value of theirs.

    Args:
        study: the new one.
        sources: directories, or `URL#NAME`, of older studies.
        config: of the new study.
        space: what it searches.
        n_trials: to take of each at most, >= 1.
        note: told what was taken, filled in and dropped.

    Raises:
        ConfigError: with everything that does not fit; nothing is recorded then.
    """
    recorded: dict[str, Any] = study.user_attrs.get(WARM_START, {"from": {}, "points": []})
    wanted = [s for s in dict.fromkeys(sources) if recorded["from"].get(s, 0) < n_trials]
    if not wanted:
        return
    carried = _carried(wanted, config, space, n_trials)
    had = [space.defaults, *(values for _, _, values in recorded["points"])]
    new = [point for point in carried.points if point.values not in had]
    for text in carried.notes:
        note(text)
    for source in wanted:
        numbers = ", ".join(str(point.number) for point in new if point.source == source)
        note(f"from {source}: begins with the configurations of trials {numbers or '(none new)'}")
    points = [[point.source, point.number, dict(point.values)] for point in new]
    study.set_user_attr(
        WARM_START,
        {
            "from": {**recorded["from"], **dict.fromkeys(wanted, n_trials)},
            "points": [*recorded["points"], *points],
        },
    )


def points_of(study: optuna.Study) -> tuple[Point, ...]:
    """Return what a study begins with, after the published defaults."""
    recorded: dict[str, Any] = study.user_attrs.get(WARM_START, {"points": []})
    return tuple(Point(source, number, values) for source, number, values in recorded["points"])


def _carried(
    names: Sequence[str], config: StudyConfig, space: SearchSpace, n_trials: int
) -> CarriedOver:
    """Read the sources and put what they have into the space; all mistakes are one error."""
    notes: list[str] = []
    mistakes: list[str] = []
    points: list[Point] = []
    for name in dict.fromkeys(names):
        try:
            source = read_source(name, config, n_trials=n_trials)
        except GoldilocksError as error:
            told = str(error)
            mistakes.append(told if told.startswith("from") else f"from {name}: {told}")
            continue
        wrong = source.mistakes(config, n_trials)
        mistakes += wrong
        if not wrong:
            notes += source.notes(config, n_trials)
            points += source.points
    carried = carry_over(points, space)
    mistakes += carried.mistakes
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return CarriedOver(carried.points, (*notes, *carried.notes))
