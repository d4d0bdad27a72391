"""How many views of an image a method takes, where that is open."""

from __future__ import annotations

from search_spaces.dimensions import Int


def view_count(low: int, high: int, *, default: int, source: str, unit: str = "views") -> Int:
    """Return the dimension; it is held, because every view costs a forward pass.

    Args:
        low: fewest that the method works with.
        high: most.
        default: of the paper.
        source: where it comes from.
        unit: what kind of view.
    """
    return Int(
        low,
        high,
        default=default,
        unit=unit,
        source=source,
        held="every view costs a forward pass: more is better, and dearer",
        least=low,
    )


N_LOCAL = view_count(
    0,
    10,
    default=6,
    unit="small crops",
    source="6 beside the global views in SwAV, DINO, LeJEPA and VISReg",
)
