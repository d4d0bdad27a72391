"""What a message adds about a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the nearest known name as a question, or all of them.

    >>> nearest("temprature", ["lr", "temperature"])
    "Did you mean 'temperature'?"
    """
    import difflib  # takes half as long as all the rest, and only messages want it

    names = sorted(known)
    near = difflib.get_close_matches(str(name).lower().replace("-", "_"), names, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
