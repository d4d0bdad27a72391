"""The end of a study for people: what was chosen and why, what was saved, where the time went."""

from hpo.report.page import print_report, report_of
from hpo.report.table import trial_table

__all__ = ["print_report", "report_of", "trial_table"]
