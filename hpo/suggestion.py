"""What a message adds about a name that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the nearest known name as a question, or all of them.

    Args:
        name: as it was given; `-` counts as `_`, and capitals as small letters.
        known: what it could have been.

    >>> suggestion("SimCRL", ["byol", "simclr"])
    "Did you mean 'simclr'?"
    >>> suggestion("x", ["byol", "simclr"])
    'Known: byol, simclr.'
    """
    names = sorted(known)
    near = difflib.get_close_matches(name.lower().replace("-", "_"), names, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
