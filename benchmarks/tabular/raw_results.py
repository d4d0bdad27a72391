"""Raw figures as JSON whose changes can be read."""

from __future__ import annotations

import json
import math
from typing import Any


def as_text(found: Any, *, depth: int = 4) -> str:
    """Write figures to five places, a line for each entry down to a depth, null for nan.

    Args:
        found: dictionaries, lists, numbers and texts.
        depth: of dictionaries that are spread over lines.

    >>> as_text({"a": {"b": 0.1234567}, "c": float("nan")}, depth=1)
    '{\\n "a": {"b": 0.12346},\\n "c": null\\n}\\n'
    """
    return _lines(_without_nan(found), "", depth) + "\n"


def _lines(part: Any, indent: str, depth: int) -> str:
    if not depth or not isinstance(part, dict) or not part:
        return json.dumps(part, ensure_ascii=False, allow_nan=False)
    inner = indent + " "
    body = f",\n{inner}".join(
        f"{json.dumps(key)}: {_lines(each, inner, depth - 1)}" for key, each in part.items()
    )
    return f"{{\n{inner}{body}\n{indent}}}"


def _without_nan(value: Any) -> Any:
    """JSON knows no nan: null stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return value
