"""A study and an objective that belong together: the first trial says so, others compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna

from hpo.errors import StudyMismatchError
from hpo.label_free.goal import Goal
from hpo.storage import identity_differences

IDENTITY = "identity"  # study attribute: what makes its values comparable
MEASURED_AS = "measured_as"  # study attribute: the record of how values are measured


def join(
    study: optuna.Study,
    goal: Goal,
    identity: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> None:
    """Check a study and record in it what it is, once; every study of a database by itself.

    Args:
        study: of the trial that is about to run.
        goal: what is optimised.
        identity: plain data that makes two runs the same study.
        facts: further attributes of a new study, by name.

    Raises:
        ConfigError: for a study with other directions, or a pruner that cannot work.
        StudyMismatchError: for one with values that cannot be compared with these.
    """
    goal.check(study)
    agree(study, IDENTITY, identity)
    known = study.user_attrs
    for name, value in facts.items():
        if name not in known:
            study.set_user_attr(name, value)


def agree(study: optuna.Study, name: str, given: Mapping[str, Any]) -> None:
    """Record an attribute of a study, or compare it with what was recorded.

    Args:
        study: of the trial.
        name: of the attribute.
        given: plain data by field.

    Raises:
        StudyMismatchError: naming every field that differs, with both values.
    """
    stored = study.user_attrs.get(name)
    if stored is None:
        study.set_user_attr(name, dict(given))
        return
    if lines := identity_differences(stored, given):
        raise StudyMismatchError(
            f"study: {study.study_name!r} holds trials that cannot be compared with this one:\n"
            + "\n".join(lines)
            + "\nUse what the study was begun with, or another study_name."
        )
