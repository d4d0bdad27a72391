"""What Ray sampled, as the hyperparameters of a trial."""

from __future__ import annotations

from typing import Any

from search_spaces import SearchSpace, Value


def hyperparameters_in(config: dict[str, Any], space: SearchSpace) -> dict[str, Value]:
    """Return all hyperparameters of a trial: what Ray sampled, and defaults for the rest.

    Args:
        config: what Ray sampled, by name; numpy's numbers count as Python's.
        space: of the method, fitted to the images.

    Raises:
        SpaceError: for a name that the space does not have, a value of the wrong kind, or values
            that break a constraint.

    >>> import search_spaces
    >>> hyperparameters_in({"lr": 0.01}, search_spaces.get("simclr"))["lr"]
    0.01
    """
    given = {
        name: value.item() if hasattr(value, "item") else value for name, value in config.items()
    }
    whole = {**space.defaults, **space.fixed, **space.freeze(given).fixed}
    space.check(whole)
    return whole
