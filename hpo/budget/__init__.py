"""The compute budget of a study, pure: how it is written, split, claimed and found to be spent."""

from hpo.budget.budget import Budget
from hpo.budget.duration import exact_duration, format_duration, parse_duration
from hpo.budget.limits import Limits, parse_budget
from hpo.budget.parts import Part, part_of
from hpo.budget.spend import (
    COUNTS,
    TIMES,
    UNITS,
    Spend,
    Unit,
    exact_amount,
    format_amount,
)

__all__ = [
    "COUNTS",
    "TIMES",
    "UNITS",
    "Budget",
    "Limits",
    "Part",
    "Spend",
    "Unit",
    "exact_amount",
    "exact_duration",
    "format_amount",
    "format_duration",
    "parse_budget",
    "parse_duration",
    "part_of",
]
