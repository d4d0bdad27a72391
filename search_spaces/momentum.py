"""How slowly a momentum copy follows: searched as 1 - momentum, whose logarithm matters."""

from __future__ import annotations

from search_spaces.dimensions import Float


def one_minus_momentum(low: float, high: float, *, default: float, source: str) -> Float:
    """Return the dimension.

    Args:
        low: smallest value of 1 - momentum.
        high: largest.
        default: of a plain good run.
        source: where they come from.

    >>> one_minus_momentum(1e-3, 1e-1, default=1e-2, source="the paper").most
    1.0
    """
    return Float(
        low,
        high,
        default=default,
        log=True,
        unit="1 - momentum at the start",
        source=source,
        most=1.0,
    )
