"""What a study's note says: what was chosen, why, from what, and what it cost."""

from __future__ import annotations

import optuna

from hpo.budget import parse_budget
from hpo.costs import costs_from
from hpo.dashboard.notes import plain, table
from hpo.record import read_rows
from hpo.report.choosing import chosen_lines, proof_lines, round_lines
from hpo.report.spending import spending_lines
from hpo.storage import StudyDirectory


def study_note(study: optuna.Study, directory: StudyDirectory, *, running: bool) -> str:
    """Write the note of a study in markdown, from the lines of the report.

    Args:
        study: to describe.
        directory: of the study.
        running: whether a process is at work on it.
    """
    attrs = study.user_attrs
    rows = read_rows(study, running=running)
    config = attrs.get("config", {})
    choice, budget = attrs.get("choice"), config.get("budget")
    chosen = None if choice is None else int(choice["number"])
    lines = [
        *chosen_lines(rows, attrs, directory, chosen, running=running),
        *round_lines(attrs),
        *proof_lines(attrs, chosen),
        *spending_lines(costs_from(rows, attrs), None if budget is None else parse_budget(budget)),
    ]
    what = f"{config.get('method', '?')} on {config.get('data', '?')}, without labels"
    if config.get("labels"):
        what = f"{config.get('method', '?')} on {config.get('data', '?')}, probes choose"
    body = table(["", what], [[f"**{plain(title)}**", plain(text)] for title, text in lines])
    return f"{body}\n\nEach trial's note says how it ended and why."
