"""What training costs, in the units that a study records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Work done, or saved.

    Args:
        epochs: trained.
        images: seen in training, each epoch's counted again.
        device_seconds: of training and measuring, of all devices together.
    """

    epochs: float = 0.0
    images: float = 0.0
    device_seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        """Add up.

        >>> Cost(6, 600, 2.0) + Cost(12, 1200, 4.0)
        Cost(epochs=18, images=1800, device_seconds=6.0)
        """
        return Cost(
            self.epochs + other.epochs,
            self.images + other.images,
            self.device_seconds + other.device_seconds,
        )

    def __sub__(self, other: Cost) -> Cost:
        """Take away.

        >>> Cost(18, 1800, 6.0) - Cost(6, 600, 2.0)
        Cost(epochs=12, images=1200, device_seconds=4.0)
        """
        return Cost(
            self.epochs - other.epochs,
            self.images - other.images,
            self.device_seconds - other.device_seconds,
        )

    def at_least(self, other: Cost) -> Cost:
        """Return the larger of the two, unit by unit.

        >>> Cost(6, 700, 2.0).at_least(Cost(8, 600, 2.5))
        Cost(epochs=8, images=700, device_seconds=2.5)
        """
        return Cost(
            max(self.epochs, other.epochs),
            max(self.images, other.images),
            max(self.device_seconds, other.device_seconds),
        )


NOTHING = Cost()
