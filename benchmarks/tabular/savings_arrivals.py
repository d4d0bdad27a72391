"""The same trials in many orders."""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from benchmarks.tabular.savings_ours import WalkedOurs
from benchmarks.tabular.savings_table import TableCell
from benchmarks.tabular.savings_walk import Arrival, arrive
from hpo.history import Reading

Readings = dict[int, tuple[Reading, ...]]


class Measured:
    """A cell's readings by objective, each made once."""

    def __init__(self, cell: TableCell) -> None:
        self.cell = cell
        self._by_objective: dict[str, Readings] = {}

    def by(self, objective: str) -> Readings:
        """Return all readings as if a measure had been the objective."""
        if objective not in self._by_objective:
            self._by_objective[objective] = self.cell.readings_by(objective)
        return self._by_objective[objective]


@dataclass
class Order:
    """A cell's trials in one order.

    Args:
        measured: the cell.
        numbers: of its trials, as they come.
        seed: of whatever a strategy draws.
        searches: that were played on it, by what makes them differ.
    """

    measured: Measured
    numbers: list[int]
    seed: int
    searches: dict[Hashable, WalkedOurs] = field(default_factory=dict)
    _arrivals: dict[str, Arrival] = field(default_factory=dict)
    _known: dict[tuple[int, int], float] | None = None

    def arrival(self, objective: str) -> Arrival:
        """Return the trials, reporting a measure."""
        if objective not in self._arrivals:
            by, cell = self.measured.by(objective), self.measured.cell
            self._arrivals[objective] = arrive(
                [(k, by[k], cell.pace.get(k, 1.0)) for k in self.numbers], cell.rungs
            )
        return self._arrivals[objective]

    @property
    def known(self) -> dict[tuple[int, int], float]:
        """Cross-validated accuracy by place and epoch; nan where no probe worked."""
        if self._known is None:
            cell = self.measured.cell
            self._known = {
                (place, r.epoch): cell.accuracies[number, r.epoch].cross_validated
                if (number, r.epoch) in cell.accuracies
                else math.nan
                for place, number in enumerate(self.numbers)
                for r in cell.readings[number]
            }
        return self._known


def orders_of(measured: Measured, n: int, seed: int) -> Iterator[Order]:
    """Give random orders of a cell's trials; the n-th is the same for every strategy.

    Args:
        measured: the cell.
        n: orders.
        seed: of them; with the cell's name, so that other cells change nothing.
    """
    rng = random.Random(f"{seed} {measured.cell.name}")
    numbers = sorted(measured.cell.readings)
    for k in range(n):
        yield Order(measured, rng.sample(numbers, len(numbers)), seed + k)
