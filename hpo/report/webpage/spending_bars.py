"""Where the budget went: a bar of phases and the lines about what was saved."""

from __future__ import annotations

from dataclasses import dataclass

from hpo.budget import format_duration, parse_budget
from hpo.costs import costs_from
from hpo.report.spending import spending_lines
from hpo.report.webpage.material import Material

_PHASES = {
    "train": "search: training",
    "measure": "search: measuring",
    "probe": "probes",
    "replicate": "replicates",
    "lost": "lost in kills",
    "idle": "starting, storing, waiting",
}


@dataclass(frozen=True)
class Phase:
    """A part of all workers' time.

    Args:
        name: for people.
        key: "train", "measure", "probe", "replicate", "lost" or "idle".
        share: of all, in [0, 1].
        duration: for people.
    """

    name: str
    key: str
    share: float
    duration: str


@dataclass(frozen=True)
class Spending:
    """Phases with any time, the largest part of a study first as it comes, and lines of text."""

    phases: tuple[Phase, ...]
    lines: tuple[tuple[str, str], ...]


def spending_of(material: Material) -> Spending:
    """Sum up what a study spent and saved."""
    costs = costs_from(material.rows, material.attrs)
    total = max(costs.total_seconds, 1e-9)
    budget = material.config["budget"]
    phases = tuple(
        Phase(name, key, costs.phases[key] / total, format_duration(costs.phases[key]))
        for key, name in _PHASES.items()
        if costs.phases.get(key, 0.0) > 0
    )
    limits = None if budget is None else parse_budget(str(budget))
    return Spending(phases, tuple(spending_lines(costs, limits)))
