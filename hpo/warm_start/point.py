"""A configuration of an older study, and how a trial says that it was begun with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.dimensions import Value

WARM_START = "warm_start"  # study attribute: from which studies, and the points carried over
WARM_START_FROM = "warm_start_from"  # trial attribute: the older study and its trial's number


@dataclass(frozen=True)
class Point:
    """A configuration of an older study; nothing that was measured there.

    Args:
        source: the older study, as it was given.
        number: of its trial.
        values: hyperparameters by name.
    """

    source: str
    number: int
    values: Mapping[str, Value]

    @property
    def mark(self) -> dict[str, Any]:
        """The user attribute of the trial that is begun with it."""
        return {WARM_START_FROM: [self.source, self.number]}


def origin(attrs: Mapping[str, Any]) -> str:
    """Say where a trial's configuration came from; empty for one that was drawn here.

    Args:
        attrs: the trial's user attributes.

    >>> origin({"warm_start_from": ["studies/a", 17]})
    "from studies/a's trial 17"
    """
    if WARM_START_FROM not in attrs:
        return ""
    source, number = attrs[WARM_START_FROM]
    return f"from {source}'s trial {number}"
