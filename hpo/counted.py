"""Counts and lists with their nouns, in sentences for people."""

from __future__ import annotations

from collections.abc import Sequence


def counted(n: int, noun: str, several: str | None = None) -> str:
    """Write a count with its noun.

    >>> counted(1, "trial"), counted(3, "trial"), counted(2, "study", "studies")
    ('1 trial', '3 trials', '2 studies')
    """
    return f"{n:,} {noun if n == 1 else several or noun + 's'}"


def listed(items: Sequence[object], most: int = 8) -> str:
    """Write a list in words.

    >>> listed([1, 2, 3]), listed([1, 2, 3], most=2)
    ('1, 2 and 3', '1, 2 and 1 more')
    """
    shown = [str(item) for item in items[:most]]
    if len(items) > most:
        return f"{', '.join(shown)} and {len(items) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def trials(numbers: Sequence[int]) -> str:
    """Write which trials.

    >>> trials([4]), trials([4, 8])
    ('trial 4', 'trials 4 and 8')
    """
    return f"trial{'' if len(numbers) == 1 else 's'} {listed(numbers)}"
