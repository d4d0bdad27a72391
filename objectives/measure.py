"""What a study must know about a measure before it can use it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Direction: TypeAlias = Literal["maximize", "minimize", "closest_to_one"]
Layer: TypeAlias = Literal["projector", "backbone", "loss"]


@dataclass(frozen=True)
class Measure:
    """What a study must know about a measure.

    Attributes:
        name: Name in configurations and records.
        direction: Which values are good: "maximize", "minimize" or "closest_to_one".
        needs_views: Whether it takes views (n_images, n_views, dim) instead of (n_samples, dim).
        layer: Where its authors read it: "projector" output, "backbone" features, or the "loss".
        minimum_samples: From dim to the fewest samples (images, where it needs views) at which the
            value means something: where the spectrum is not cut short by the sample count, or
            where chance is far enough.
        cost: Time and memory beyond the embeddings, in N samples (n images of q views) and dim d.
        source: Paper, and section where one defines it.
    """

    name: str
    direction: Direction
    needs_views: bool
    layer: Layer
    minimum_samples: Callable[[int], int]
    cost: str
    source: str

    @property
    def optimiser_direction(self) -> Literal["maximize", "minimize"]:
        """Direction in which an optimiser moves `objective`, in Optuna's words.

        Examples:
            >>> from objectives import get_measure
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
            >>> from objectives import get_measure
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


def at_least(fewest: int) -> Callable[[int], int]:
    """Return the function that answers `fewest` for any dim.

    Examples:
        >>> at_least(100)(512)
        100
    """

    def fewest_samples(dim: int) -> int:
        return fewest

    return fewest_samples
