"""The compute budget of a study, pure: how it is written, split and found to be spent."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from hpo.decision import GO_ON, Decision
from hpo.errors import BudgetError

_UNIT_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])")


def parse_duration(text: str) -> float:
    """Read a duration such as `10m`, `1h30m`, `90s`, `2d` or `1.5h`.

    Returns:
        Seconds, > 0.

    Raises:
        BudgetError: for anything else.

    >>> parse_duration("1h30m")
    5400.0
    """
    compact = text.strip().lower()
    parts = _FORM.findall(compact)
    if not parts or _FORM.sub("", compact).strip():
        raise BudgetError(f"budget: got {text!r}; wanted a duration such as 10m, 1h30m, 90s or 2d.")
    seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    if not 0 < seconds < math.inf:
        raise BudgetError(f"budget: got {text!r}; wanted more than nothing and less than for ever.")
    return seconds


def format_duration(seconds: float) -> str:
    """Write seconds for people.

    >>> format_duration(5400.4), format_duration(7.25), format_duration(200)
    ('1h 30m', '7.2s', '3m 20s')
    """
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 59.5:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m"


@dataclass(frozen=True)
class Budget:
    """Wall time that a study may take, over all the times it was started.

    Args:
        total_seconds: of everything, > 0; None for no limit.
        probe_share: share set aside for probing before the search starts, in [0, 1).
    """

    total_seconds: float | None
    probe_share: float = 0.1

    @property
    def probe_seconds(self) -> float | None:
        """What is set aside for probing; None without a limit."""
        return None if self.total_seconds is None else self.total_seconds * self.probe_share

    @property
    def search_seconds(self) -> float | None:
        """What the search may spend; None without a limit."""
        return None if self.total_seconds is None else self.total_seconds * (1 - self.probe_share)

    def search_decision(self, spent_seconds: float) -> Decision:
        """Stop the search once its part is spent.

        >>> Budget(100.0).search_decision(91.0).stop
        True
        """
        if self.search_seconds is None or spent_seconds < self.search_seconds:
            return GO_ON
        return Decision(
            True,
            f"the search's part of the budget is spent: {format_duration(spent_seconds)} of "
            f"{format_duration(self.search_seconds)}",
            "budget",
        )

    def shortfall(self, spent_seconds: float, trial_seconds: float) -> str:
        """Say so when what is left cannot finish a whole trial; empty otherwise.

        Args:
            spent_seconds: so far.
            trial_seconds: what a whole trial will take at the rate seen.

        >>> Budget(600.0).shortfall(60.0, 100.0)
        ''
        >>> print(Budget(600.0).shortfall(60.0, 2000.0))
        a whole trial will take about 33m 20s, and 8m 00s are left to search: no trial will finish
        """
        if self.search_seconds is None or trial_seconds <= self.search_seconds - spent_seconds:
            return ""
        left = max(0.0, self.search_seconds - spent_seconds)
        return (
            f"a whole trial will take about {format_duration(trial_seconds)}, and "
            f"{format_duration(left)} are left to search: no trial will finish"
        )

    def next_trial_decision(
        self, spent_seconds: float, first_rung_seconds: float | None
    ) -> Decision:
        """Refuse a new trial that could not even reach its first rung.

        Args:
            spent_seconds: so far.
            first_rung_seconds: what reaching the first rung has cost, the median of earlier
                trials; None when nobody has reached it.
        """
        over = self.search_decision(spent_seconds)
        if over.stop or self.search_seconds is None or first_rung_seconds is None:
            return over
        left = self.search_seconds - spent_seconds
        if left >= first_rung_seconds:
            return GO_ON
        return Decision(
            True,
            f"{format_duration(left)} left of the search's part of the budget; a first rung takes "
            f"{format_duration(first_rung_seconds)}",
            "budget",
        )
