"""The page of a plan: rungs, what a trial costs at most, what fits, what each phase gets."""

from __future__ import annotations

from itertools import pairwise

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpo.budget import Spend, Unit, format_amount, format_duration
from hpo.counted import counted
from hpo.plan.plan import LimitPlan, Plan

_NAMES: dict[Unit, str] = {
    "wall_seconds": "wall time",
    "device_seconds": "gpu-hours",
    "epochs": "epochs",
    "images": "images",
}


def plan_page(plan: Plan) -> RenderableType:
    """Build the page of a plan."""
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for title, text in _lines(plan):
        grid.add_row(title, Text(text))
    parts: list[RenderableType] = [_rung_table(plan), Text()]
    if plan.limits:
        parts += [_limit_table(plan), Text()]
    return Group(*parts, grid)


def _rung_table(plan: Plan) -> Table:
    table = _table("rung", "epochs", "images", "time", "trials that get there")
    share = 1.0
    for number, (start, end) in enumerate(pairwise((0, *plan.rungs)), start=1):
        reached = plan.cost(0, end)
        table.add_row(
            str(number),
            f"{end} (+{end - start})",
            f"{reached.images:,.0f}",
            _time(reached),
            f"{share:.0%}",
        )
        share /= plan.config.rung_factor if plan.config.prune else 1
    return table


def _limit_table(plan: Plan) -> Table:
    table = _table("limit", "in all", "search", "probes", "replicates", "trials: whole", "expected")
    for limit in plan.limits:
        total = plan.budget.limits.of(limit.unit) or 0.0
        part = limit.part
        table.add_row(
            _NAMES[limit.unit],
            format_amount(limit.unit, total),
            *(
                f"{format_amount(limit.unit, amount)} ({amount / total:.0%})" if amount else "-"
                for amount in (part.search, part.probes, part.replicates)
            ),
            _number(limit.n_whole),
            _number(limit.n_expected),
        )
    return table


def _lines(plan: Plan) -> list[tuple[str, str]]:
    whole, facts = plan.budget.whole, plan.facts
    images = f"{facts.n_train} to train on, {facts.n_measure} to measure on"
    images += f", {facts.n_labelled} labelled for the probe" if facts.n_labelled else ""
    longest = [format_amount("epochs", whole.epochs), format_amount("images", whole.images)]
    lines = [
        ("images", images),
        ("a trial", f"at most {', '.join([*longest, _time(whole)])}"),
        ("at once", f"{facts.n_workers} trial" + ("s" if facts.n_workers != 1 else "")),
    ]
    lines += _rate_lines(plan)
    if plan.n_probes is not None:
        best = plan.config.probe_best
        first = "" if best is None else f"the best {best} when the search is over; "
        text = f"{first}{plan.n_probes} fit into their reserve, both baselines included"
        lines.append(("probes", text))
    if plan.n_replicates:
        lines.append(("replicates", f"{plan.n_replicates} whole trials fit into their reserve"))
    lines.append(("ends with", _end(plan)))
    warning = plan.budget.shortfall(Spend(), whole)
    return [*lines, ("warning", warning)] if warning else lines


def _rate_lines(plan: Plan) -> list[tuple[str, str]]:
    rates = plan.rates
    if rates is None:
        return []
    text = f"{1 / rates.seconds_per_image:,.0f} training images a second; a measure takes "
    text += format_duration(rates.seconds_per_measure)
    if rates.seconds_per_probe is not None:
        text += f", a probe {format_duration(rates.seconds_per_probe)}"
    return [("measured", f"{text}, with default hyperparameters and one trial at a time")]


def _end(plan: Plan) -> str:
    unit = plan.ends_first
    if unit is None:
        n_trials = plan.config.n_trials
        return counted(n_trials, "trial") if n_trials is not None else "whichever limit comes first"
    limit: LimitPlan = next(limit for limit in plan.limits if limit.unit == unit)
    return f"its limit on {_NAMES[unit]}, after about {limit.n_expected} trials"


def _time(cost: Spend) -> str:
    return format_duration(cost.wall_seconds) if cost.wall_seconds else "time unknown"


def _number(n: int | None) -> str:
    return "-" if n is None else str(n)


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
