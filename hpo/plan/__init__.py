"""The plan of a study: what fits into its budget, before anything is trained."""

from hpo.plan.checking import check_budget
from hpo.plan.dry_run import dry_run
from hpo.plan.page import plan_page
from hpo.plan.plan import Facts, LimitPlan, Plan, Rates, images_per_epoch, plan_of
from hpo.plan.rates import measure_rates

__all__ = [
    "Facts",
    "LimitPlan",
    "Plan",
    "Rates",
    "check_budget",
    "dry_run",
    "images_per_epoch",
    "measure_rates",
    "plan_of",
    "plan_page",
]
