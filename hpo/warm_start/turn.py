"""Whose turn it is before the sampler draws: the defaults, what was carried over, a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from hpo.warm_start.point import WARM_START_FROM, Point
from search_spaces.dimensions import Value


def following(
    own: Sequence[FrozenTrial],
    *,
    defaults: Mapping[str, Value],
    points: Sequence[Point],
    grid: Sequence[Mapping[str, Value]],
) -> tuple[dict[str, Value], dict[str, Any]] | None:
    """Return the next configuration to enqueue, with its user attributes.

    The published defaults go first: every search should beat them. Then come the points of older
    studies, each once, and then a grid, of which no point comes twice.

    Args:
        own: trials of the study so far, without replicates, none of them waiting.
        defaults: of the space.
        points: of older studies, the best first.
        grid: all points of a space of nothing but choices; empty for any other.

    Returns:
        None where the sampler draws.

    >>> following([], defaults={"lr": 0.1}, points=[], grid=[])
    ({'lr': 0.1}, {})
    """
    if not own:
        return dict(defaults), {}
    had = [trial.user_attrs.get(WARM_START_FROM) for trial in own]
    taken = [trial.params for trial in own] if grid else []
    for point in points:
        if [point.source, point.number] not in had and dict(point.values) not in taken:
            return dict(point.values), point.mark
    left = [dict(values) for values in grid if dict(values) not in taken]
    return (left[0], {}) if left else None
