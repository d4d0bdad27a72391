"""The measures by name, with the facts that a study needs before it can use one."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from objectives.errors import UnknownMeasureError

Direction: TypeAlias = Literal["maximize", "minimize", "closest_to_one"]
Layer: TypeAlias = Literal["projector", "backbone"]


@dataclass(frozen=True)
class Measure:
    """What a study must know about a measure.

    Attributes:
        name: Name in configurations and records.
        direction: Which values are good: "maximize", "minimize" or "closest_to_one".
        needs_views: Whether it takes views (n_images, n_views, dim) instead of (n_samples, dim).
        layer: Where its authors read it: "projector" output or "backbone" features.
        minimum_samples: From dim to the fewest samples (images, where it needs views) at which the
            spectrum is not cut short by the sample count.
        source: Paper, and section where one defines it.
    """

    name: str
    direction: Direction
    needs_views: bool
    layer: Layer
    minimum_samples: Callable[[int], int]
    source: str

    @property
    def optimiser_direction(self) -> Literal["maximize", "minimize"]:
        """Direction in which an optimiser moves `objective`, in Optuna's words.

        Examples:
            >>> get_measure("alpha_req").optimiser_direction
            'minimize'
        """
        return "maximize" if self.direction == "maximize" else "minimize"

    def objective(self, value: float) -> float:
        """Turn a value of the measure into the number that an optimiser sees.

        "maximize" and "minimize" pass the value on; "closest_to_one" gives |value − 1|. For α-ReQ
        that is no other rule than the authors' zone: the zone [0.8, 1.2] is symmetric about 1, so
        the distance to it is max(0, |α − 1| − 0.2), which never falls as |α − 1| grows. Ordering by
        (zone distance, |α − 1|) is therefore ordering by |α − 1| alone, and one number will do.

        Args:
            value: Value of this measure.

        Returns:
            The number to optimise in `optimiser_direction`; nan stays nan.

        Examples:
            >>> get_measure("alpha_req").objective(0.75)
            0.25
            >>> get_measure("rankme").objective(31.5)
            31.5
        """
        return abs(value - 1.0) if self.direction == "closest_to_one" else value


def one_more_than(dim: int) -> int:
    """Return dim + 1: fewer samples than that cannot span dim directions once centred.

    Examples:
        >>> one_more_than(512)
        513
    """
    return dim + 1


MEASURES: MappingProxyType[str, Measure] = MappingProxyType(
    {
        measure.name: measure
        for measure in (
            Measure(
                name="alpha_req",
                direction="closest_to_one",
                needs_views=False,
                layer="backbone",
                minimum_samples=one_more_than,
                source="Agrawal et al., NeurIPS 2022, section 3; fit range from their code",
            ),
            Measure(
                name="lidar",
                direction="maximize",
                needs_views=True,
                layer="backbone",
                minimum_samples=one_more_than,
                source="Thilak et al., ICLR 2024, arXiv 2312.04000, equations 1 to 4",
            ),
            Measure(
                name="rankme",
                direction="maximize",
                needs_views=False,
                layer="projector",
                minimum_samples=one_more_than,
                source="Garrido et al., ICML 2023, arXiv 2210.02885, section 3",
            ),
        )
    }
)
"""Every measure by name. Read-only."""


def get_measure(name: str) -> Measure:
    """Look a measure up by name.

    Args:
        name: One of `measure_names()`.

    Returns:
        Its record.

    Raises:
        UnknownMeasureError: No such measure; the message gives the nearest name.

    Examples:
        >>> get_measure("lidar").needs_views
        True
    """
    if name not in MEASURES:
        nearest = difflib.get_close_matches(name.lower().replace("-", "_"), MEASURES, n=1)
        raise UnknownMeasureError(name, measure_names(), nearest[0] if nearest else None)
    return MEASURES[name]


def measure_names() -> tuple[str, ...]:
    """Return the names of all measures, sorted.

    Examples:
        >>> measure_names()
        ('alpha_req', 'lidar', 'rankme')
    """
    return tuple(sorted(MEASURES))
