"""One order for everything a study records: reports, decisions, probes and rounds."""

from __future__ import annotations

from typing import Any

import optuna

ORDER = "order/"  # trial attribute: place of the report at an epoch
DECISION = "decision/"  # trial attribute: what was decided at an epoch, with its place
FINDING = "finding/"  # trial attribute: the collapse that was seen at an epoch
PROBE = "probe/"  # study attribute: one probe, by trial number, "untrained" or "pixels"
ROUND = "round/"  # study attribute: one round of the online filter, by its number from 1


def next_order(study: optuna.Study) -> int:
    """Return the next place in the order of a study; call it inside `StudyDirectory.deciding`.

    Returns:
        One more than the last place given, 1 for the first.
    """
    places = [_last(attrs) for attrs in (study.user_attrs, *_trial_attrs(study))]
    return max(places, default=0) + 1


def _trial_attrs(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.user_attrs for trial in study.get_trials(deepcopy=False)]


def _last(attrs: dict[str, Any]) -> int:
    last = 0
    for key, value in attrs.items():
        if key.startswith(ORDER):
            last = max(last, int(value))
        elif key.startswith((DECISION, PROBE, ROUND)):
            last = max(last, int(value.get("order", 0)))
    return last
