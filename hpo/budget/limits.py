"""How a budget is written: wall time, GPU-hours, epochs, images, or several at once."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from hpo.budget.duration import parse_duration
from hpo.budget.spend import UNITS, Unit, exact_amount, format_amount
from hpo.errors import BudgetError

_WANTED = (
    "a duration (`8h`, `1h30m`), a number of epochs (`500 epochs`), images (`2M images`) or "
    "GPU-hours (`40 gpu-hours`), or several of them with commas"
)
_FORM = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:e\+?\d+)?)\s*(?P<power>[kmb]?)\s*"
    r"(?P<unit>epochs?|images?|(?:gpu|device|worker)[- ]?h(?:ours?)?)"
)
_POWERS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


@dataclass(frozen=True)
class Limits:
    """Limits of a whole study, over all its workers and all the times it was started.

    Args:
        wall_seconds: on the wall's clock, > 0; None for no limit.
        device_seconds: of all devices together, likewise; see `Spend`.
        epochs: of all trials together, likewise.
        images: trained on, of all trials together, likewise.

    Raises:
        BudgetError: for a limit that is not above 0.
    """

    wall_seconds: float | None = None
    device_seconds: float | None = None
    epochs: float | None = None
    images: float | None = None

    def __post_init__(self) -> None:
        for unit in self.units:
            if not 0 < (self.of(unit) or 0.0) < math.inf:
                raise BudgetError(
                    f"budget: got {self.of(unit)} {unit}; wanted more than nothing and less than "
                    "for ever."
                )

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units that are limited."""
        return tuple(unit for unit in UNITS if self.of(unit) is not None)

    def of(self, unit: Unit) -> float | None:
        """Return the limit in a unit; None for none."""
        limit: float | None = getattr(self, unit)
        return limit

    def __mul__(self, factor: float) -> Limits:
        return Limits(**{unit: factor * (self.of(unit) or 0.0) for unit in self.units})

    def __str__(self) -> str:
        """As `parse_budget` reads it.

        >>> str(parse_budget("90m, 500 epochs") * 2)
        '3h, 1000 epochs'
        """
        return ", ".join(exact_amount(unit, self.of(unit) or 0.0) for unit in self.units)

    def describe(self) -> str:
        """Write them for people.

        >>> parse_budget("8h, 2M images").describe()
        '8h 00m of wall time and 2,000,000 images'
        """
        of = {"wall_seconds": " of wall time"}
        return " and ".join(
            format_amount(unit, self.of(unit) or 0.0) + of.get(unit, "") for unit in self.units
        )


def parse_budget(text: str) -> Limits:
    """Read a budget such as `8h`, `500 epochs`, `2M images`, `40 gpu-hours`, `8h, 500 epochs`.

    GPU-hours count the time that devices are in use: two GPUs that train for an hour use two. On a
    CPU they are the hours of all workers together, which may be written `worker-hours` too.

    Returns:
        The limits, at least one, each > 0.

    Raises:
        BudgetError: for anything else, and for two limits in one unit.

    >>> parse_budget("8h, 500 epochs")
    Limits(wall_seconds=28800.0, device_seconds=None, epochs=500.0, images=None)
    >>> parse_budget("2M images") == parse_budget("2e6 images") == parse_budget("2000k images")
    True
    """
    found: dict[Unit, float] = {}
    for part in text.split(","):
        unit, amount = _amount(part, text)
        if unit in found:
            raise BudgetError(
                f"budget: got {text!r}, with two limits in one unit; wanted each unit once."
            )
        if not 0 < amount < math.inf:
            raise BudgetError(
                f"budget: got {text!r}; wanted more than nothing and less than for ever."
            )
        found[unit] = amount
    return Limits(**found)


def _amount(part: str, text: str) -> tuple[Unit, float]:
    match = _FORM.fullmatch(part.strip().lower())
    if match is None:
        if not re.fullmatch(r"(\s*\d+(\.\d+)?\s*[dhms])+\s*", part.lower()):
            raise BudgetError(f"budget: got {text!r}; wanted {_WANTED}.")
        return "wall_seconds", parse_duration(part)
    number = float(match["number"]) * _POWERS[match["power"]]
    if match["unit"].startswith("epoch"):
        return "epochs", number
    if match["unit"].startswith("image"):
        return "images", number
    return "device_seconds", 3600.0 * number
