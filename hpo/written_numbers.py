"""Numbers that reach us as words: from the command line, and 1e-3 (no dot) from YAML."""

from __future__ import annotations

_WORDS = ("unit", "source")  # of a range; never numbers


def number_or_word(value: object) -> object:
    """Return the number that a text is; anything else as it is.

    >>> number_or_word("1e-3"), number_or_word("12"), number_or_word("auto")
    (0.001, 12, 'auto')
    """
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def numbers_within(value: object) -> object:
    """Return the change of a range, or a list of choices, with its numbers as numbers.

    >>> numbers_within({"low": "1e-3", "unit": "1"})
    {'low': 0.001, 'unit': '1'}
    """
    if isinstance(value, dict):
        return {n: entry if n in _WORDS else _read(entry) for n, entry in value.items()}
    return _read(value) if isinstance(value, list) else value


def _read(value: object) -> object:
    return [number_or_word(v) for v in value] if isinstance(value, list) else number_or_word(value)
