"""Numbers as they travel in a page: few digits, and no nan, which JSON does not have."""

from __future__ import annotations

import math
from typing import Any

_DIGITS = 5


def json_value(value: Any) -> Any:
    """Return plain data with every number rounded, and those that are not finite as None.

    Args:
        value: numbers, text, mappings and sequences of them; of anything else its text.

    >>> json_value({"a": [1.23456789, float("nan")], 3: (1, True, None)})
    {'a': [1.2346, None], '3': [1, True, None]}
    """
    if isinstance(value, dict):
        return {str(key): json_value(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(entry) for entry in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return str(value)


def shown(value: Any) -> str:
    """Write a value for people: four digits at most, "–" for what is not known.

    >>> shown(0.0059562), shown(512), shown("auto"), shown(float("nan")), shown(123456.7)
    ('0.005956', '512', 'auto', '–', '1.235e+05')
    """
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else "–"
    return str(value)
