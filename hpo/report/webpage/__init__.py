"""The report as one HTML file that works from disk, without a network."""

from hpo.report.webpage.page import report_page, write_report

__all__ = ["report_page", "write_report"]
