"""What a decision about a trial may look at: readings of all trials, and probes, in their order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hpo.decision import Decision


@dataclass(frozen=True)
class Finding:
    """A collapse seen at a rung.

    Args:
        kind: of `objectives.CollapseKind`, or "undefined" for an objective that has no value.
        layer: "backbone" or "projector"; "training" where the training itself broke.
        reason: one sentence with the figures.
        clear: whether it lies so far beyond its threshold that noise cannot have put it there.
    """

    kind: str
    layer: str
    reason: str
    clear: bool = True


@dataclass(frozen=True)
class Reading:
    """What a trial was measured as at a rung.

    Args:
        trial: its number.
        epoch: of the rung, or whatever steps the trial reports.
        objective: the reported value there; nan when it has none.
        values: all measures there, by name; empty where a study records none.
        finding: the collapse that was seen there, if any.
        order: place among all reports and decisions of the study, ascending.
    """

    trial: int
    epoch: int
    objective: float
    values: Mapping[str, float] = field(default_factory=dict)
    finding: Finding | None = None
    order: int = 0

    def value(self, measure: str | None) -> float:
        """Return a measure by name, the reported value for None; nan when it was not measured."""
        return self.objective if measure is None else self.values.get(measure, math.nan)


@dataclass(frozen=True)
class History:
    """Everything known when a decision is made.

    Args:
        readings: of all trials, replicates left out.
        collapsed: numbers of the trials that were stopped as collapsed.
        probed: probe accuracy in [0, 1] by number, of the trials that were probed so far.
    """

    readings: tuple[Reading, ...] = ()
    collapsed: frozenset[int] = frozenset()
    probed: Mapping[int, float] = field(default_factory=dict)

    def of(self, trial: int) -> tuple[Reading, ...]:
        """Return the readings of one trial, by ascending epoch."""
        return tuple(sorted((r for r in self.readings if r.trial == trial), key=lambda r: r.epoch))

    def peers(self, reading: Reading) -> tuple[Reading, ...]:
        """Return the readings of other trials at the same epoch, without dead ones."""
        return tuple(
            r
            for r in self.readings
            if r.epoch == reading.epoch
            and r.trial != reading.trial
            and r.finding is None
            and r.trial not in self.collapsed
        )


class Rule(Protocol):
    """A pure pruning rule."""

    def decide(self, reading: Reading, history: History) -> Decision:
        """Judge a trial by its newest reading; `history` holds that reading too."""
        ...
