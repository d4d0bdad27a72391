"""Durations as people write and read them."""

from __future__ import annotations

import math
import re

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


def exact_duration(seconds: float) -> str:
    """Write seconds so that `parse_duration` reads at least as many back, to a tenth of a second.

    >>> exact_duration(5400), exact_duration(90), exact_duration(7.21)
    ('1h30m', '1m30s', '7.3s')
    """
    if seconds < 60:
        return f"{math.ceil(round(10 * seconds, 6)) / 10:g}s"
    whole = math.ceil(round(seconds, 6))
    parts = ((whole // 3600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)
