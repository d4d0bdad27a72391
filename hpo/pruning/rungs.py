"""The epochs at which trials are measured, compared and stopped."""

from __future__ import annotations

from hpo.errors import ConfigError


def rung_epochs(n_epochs: int, *, factor: int = 3, n_rungs: int = 3) -> list[int]:
    """Return the epochs at which a trial is measured and may be stopped; the last is the end.

    Args:
        n_epochs: length of a whole training, >= 1.
        factor: each rung trains this many times longer than the one before, >= 2.
        n_rungs: at most this many rungs, >= 1; fewer where epochs coincide.

    Raises:
        ConfigError: for a number below its least value.

    >>> rung_epochs(54)
    [6, 18, 54]
    >>> rung_epochs(2)
    [1, 2]
    """
    for name, value, least in (
        ("epochs", n_epochs, 1),
        ("rung_factor", factor, 2),
        ("n_rungs", n_rungs, 1),
    ):
        if value < least:
            raise ConfigError(f"{name}: got {value}; wanted at least {least}.")
    # -(-a // b) rounds up in whole numbers: a / b is 0.0 once b is large enough.
    return sorted({-(-n_epochs // factor**level) for level in range(n_rungs)})
