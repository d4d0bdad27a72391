"""What a study spends, in every unit that a budget may be given in."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Literal

from hpo.budget.duration import exact_duration, format_duration

Unit = Literal["wall_seconds", "device_seconds", "epochs", "images"]

UNITS: tuple[Unit, ...] = ("wall_seconds", "device_seconds", "epochs", "images")
TIMES: tuple[Unit, ...] = ("wall_seconds", "device_seconds")
"""Units that pass by themselves: what a rung will take is known only when it is over."""
COUNTS: tuple[Unit, ...] = ("epochs", "images")
"""Units of which a rung's cost is known beforehand, so that they are never exceeded."""

_HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Spend:
    """What was spent, or what something costs.

    Args:
        wall_seconds: time on the clock on the wall.
        device_seconds: one device in use for one second, training, measuring or probing. A device
            is a GPU; on a CPU it is what one worker has of the processor, so that its hours are
            worker-hours.
        epochs: trained, of all trials together.
        images: trained on, each counted once an epoch, whatever its views.
        probe_seconds: how much of the time was spent on probes.

    >>> Spend(epochs=6.0) + Spend(wall_seconds=2.0, epochs=12.0)
    Spend(wall_seconds=2.0, device_seconds=0.0, epochs=18.0, images=0.0, probe_seconds=0.0)
    """

    wall_seconds: float = 0.0
    device_seconds: float = 0.0
    epochs: float = 0.0
    images: float = 0.0
    probe_seconds: float = 0.0

    def __add__(self, other: Spend) -> Spend:
        return Spend(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Spend) -> Spend:
        return Spend(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, factor: float) -> Spend:
        return Spend(*(factor * a for a in astuple(self)))

    def of(self, unit: Unit) -> float:
        """Return the amount in a unit, >= 0."""
        amount: float = getattr(self, unit)
        return amount


def format_amount(unit: Unit, amount: float) -> str:
    """Write an amount for people.

    >>> format_amount("wall_seconds", 5400), format_amount("device_seconds", 9000)
    ('1h 30m', '2.5 gpu-hours')
    >>> format_amount("epochs", 500), format_amount("images", 2e6)
    ('500 epochs', '2,000,000 images')
    """
    if unit == "wall_seconds":
        return format_duration(amount)
    if unit == "device_seconds":
        return f"{amount / _HOUR_SECONDS:.3g} gpu-hours"
    if unit == "epochs":
        return f"{amount:g} epoch" + ("" if amount == 1 else "s")
    return f"{amount:,.0f} images"


def exact_amount(unit: Unit, amount: float) -> str:
    """Write an amount as `parse_budget` reads it; never less than it is.

    >>> exact_amount("device_seconds", 3601), exact_amount("images", 7680)
    ('1.01 gpu-hours', '7680 images')
    """
    if unit == "wall_seconds":
        return exact_duration(amount)
    if unit == "device_seconds":
        hours = amount / _HOUR_SECONDS
        step = 10.0 ** (math.floor(math.log10(hours)) - 2)
        return f"{math.ceil(round(hours / step, 6)) * step:.10g} gpu-hours"
    return f"{math.ceil(round(amount, 6))} {unit}"
