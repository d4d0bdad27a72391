"""Lines of a report about compute: the budget, where time went, what was saved and what lost."""

from __future__ import annotations

from hpo.budget import Limits, Unit, format_amount, format_duration
from hpo.costs import Costs

_PHASES = {
    "train": "training",
    "measure": "measuring",
    "probe": "probing",
    "replicate": "replicates",
    "lost": "lost",
}
_STOPS = {"halving": "pruning", "zone": "the zone filter", "collapse": "collapse stops"}
_UNIT_NAMES = {"wall_seconds": " of wall time"}


def spending_lines(costs: Costs, limits: Limits | None) -> list[tuple[str, str]]:
    """Say what was spent of what, on what, and what of it was saved or lost."""
    return [
        *([] if limits is None else [("budget", _budget(costs, limits))]),
        ("spent", _spent(costs)),
        *_saved_lines(costs),
        *_lost_lines(costs),
    ]


def _budget(costs: Costs, limits: Limits) -> str:
    spend = costs.spend
    return "; ".join(_of(unit, spend.of(unit), limits.of(unit) or 0.0) for unit in limits.units)


def _of(unit: Unit, spent: float, limit: float) -> str:
    of = f"{_amount(unit, spent)} of {format_amount(unit, limit)}{_UNIT_NAMES.get(unit, '')}"
    return f"{of} ({100 * spent / limit:.0f} %)"


def _amount(unit: Unit, amount: float) -> str:
    """The number alone where the limit after it names the unit."""
    written = format_amount(unit, round(amount, 1))
    return written if unit == "wall_seconds" else written.split()[0]


def _spent(costs: Costs) -> str:
    wall, work = costs.wall_seconds, costs.total_seconds
    # Shares are of all workers' time: two that train for a minute have trained for two.
    several = work > 1.001 * wall
    phases = [
        (name, costs.phases[phase])
        for phase, name in _PHASES.items()
        if phase in ("train", "measure") or costs.phases[phase] > 0
    ]
    rest = "starting, storing, waiting" if several else "starting, reading, storing"
    parts = ", ".join(
        f"{name} {format_duration(seconds)} ({100 * seconds / max(work, 1e-9):.0f} %)"
        for name, seconds in [*phases, (rest, costs.phases["idle"])]
    )
    together = f" (all workers together: {format_duration(work)})" if several else ""
    return f"{format_duration(wall)}{together}: {parts}"


def _saved_lines(costs: Costs) -> list[tuple[str, str]]:
    saved = costs.saved
    if saved.total.epochs <= 0:
        return []
    parts = ", ".join(
        f"{name} {saved.by[kind].epochs:.4g} ({100 * saved.share(kind):.0f} %)"
        for kind, name in _STOPS.items()
        if kind in saved.by
    )
    several = len(saved.by) > 1
    total = f", together {saved.total.epochs:.4g} ({100 * saved.share():.0f} %)" if several else ""
    return [
        (
            "saved",
            f"of the {saved.all_to_the_end.epochs:.6g} epochs of all trials trained to their "
            f"end: {parts}{total}, or {format_duration(saved.total.device_seconds)} of training",
        )
    ]


def _lost_lines(costs: Costs) -> list[tuple[str, str]]:
    lost = costs.lost
    if lost.epochs <= 0 and lost.images <= 0:
        return []
    return [
        (
            "lost",
            f"{lost.epochs:.4g} epochs ({lost.images:,.0f} images, "
            f"{format_duration(lost.device_seconds)}) that had to be trained again after an "
            "interruption",
        )
    ]
