"""Who is better than whom by one measure, and where that cannot be said. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpo.rank.conditions import Measured
from objectives import Measurement, rank_measurements

DEFAULT_MEASURE = "view_retrieval"
WHY_DEFAULT = "it needs no untrained network and hardly depends on the features' width"


@dataclass(frozen=True)
class Standing:
    """One backbone's place.

    Args:
        place: from 1 among those of its group that were trained; None for a fresh network, and for
            one that has no value or is collapsed.
        measured: the backbone.
        value: of the measure; nan where it has none.
    """

    place: int | None
    measured: Measured
    value: float


@dataclass(frozen=True)
class Group:
    """Backbones that were measured alike, so that they can be compared.

    Args:
        dims: widths of their features, ascending; several only where they were forced together.
        standings: the best first, then those without a place.
    """

    dims: tuple[int, ...]
    standings: tuple[Standing, ...]


def ranked(
    rows: Sequence[Measured], measure: str, *, across_widths: bool = False
) -> tuple[Group, ...]:
    """Rank backbones by a measure, each among those that were measured alike.

    Values of features of different widths are different measurements, so they are not ranked
    together. A collapsed backbone comes last, whatever the measure says of it.

    Args:
        rows: the backbones.
        measure: its name.
        across_widths: whether to rank all together for all that.

    Returns:
        The groups, the largest first; of equals the one with the wider features.
    """
    by_dim: dict[int, list[Measured]] = {}
    for row in rows:
        by_dim.setdefault(0 if across_widths else row.dim, []).append(row)
    groups = [_group(members, measure, across_widths) for members in by_dim.values()]
    return tuple(sorted(groups, key=lambda g: (-len(g.standings), -max(g.dims))))


def _group(rows: Sequence[Measured], measure: str, across_widths: bool) -> Group:
    pairs = [(row, _measurement(row, measure)) for row in rows]
    with_value = [(row, found) for row, found in pairs if found is not None]
    order = rank_measurements([found for _, found in with_value], force=across_widths)
    standings, place = [], 0
    for row, found in (with_value[index] for index in order):
        competes = not row.is_untrained and not math.isnan(found.value)
        place += competes
        standings.append(Standing(place if competes else None, row, value_of(row, measure)))
    standings += [Standing(None, row, math.nan) for row, found in pairs if found is None]
    return Group(tuple(sorted({row.dim for row in rows})), tuple(standings))


def _measurement(row: Measured, measure: str) -> Measurement | None:
    for found in row.assessment.values:
        if found.record.measure == measure:
            return replace(found, value=math.nan) if row.assessment.collapse.collapsed else found
    return None


def value_of(row: Measured, measure: str) -> float:
    """Return a value of a backbone; nan where it has none."""
    return row.assessment[measure]


def rank_share(row: Measured, n_images: int) -> float:
    """Return RankMe as a share of the most that it can be, min(images, width), in (0, 1].

    >>> from objectives import assess
    >>> import torch
    >>> row = Measured("a", "net", 4, assess(torch.cat([torch.eye(4), -torch.eye(4)])))
    >>> round(rank_share(row, 8), 3)
    1.0
    """
    return value_of(row, "rankme") / min(n_images, row.dim)
