"""Budgets that nothing fits into are refused before the start, with the smallest that would do."""

from __future__ import annotations

from hpo.budget import TIMES, exact_amount, format_amount
from hpo.errors import BudgetError
from hpo.plan.plan import Plan


def check_budget(plan: Plan) -> None:
    """Refuse a budget that does not take a single trial to its first rung and its measure there.

    Epochs and images are exact, and so is the smallest that would do. Time goes by the rates that
    were measured, and is not looked at without any.

    Args:
        plan: of the study.

    Raises:
        BudgetError: with the smallest budget that would do, in the user's unit.
    """
    first = plan.cost(0, plan.rungs[0])
    lines = []
    for unit in plan.budget.limits.units:
        limit, part = plan.budget.limits.of(unit), plan.budget.part(unit)
        if limit is None or part is None or first.of(unit) <= part.search:
            continue
        share = 1 - plan.budget.probe_share if unit in TIMES else 1.0
        where = f"the first rung is at epoch {plan.rungs[0]}"
        if unit != "epochs":
            where += f" and takes {format_amount(unit, first.of(unit))}"
        if share < 1:
            where += f", and {1 - share:.0%} of the budget are kept for probes"
        lines.append(
            f"budget: {exact_amount(unit, limit)} fit no trial: {where}; give at least "
            f"`{exact_amount(unit, first.of(unit) / share)}`, or fewer --epochs."
        )
    if lines:
        raise BudgetError("\n".join(lines))
