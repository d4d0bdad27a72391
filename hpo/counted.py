"""Counts with their nouns, in sentences for people."""

from __future__ import annotations


def counted(n: int, noun: str, several: str | None = None) -> str:
    """Write a count with its noun.

    >>> counted(1, "trial"), counted(3, "trial"), counted(2, "study", "studies")
    ('1 trial', '3 trials', '2 studies')
    """
    return f"{n:,} {noun if n == 1 else several or noun + 's'}"
