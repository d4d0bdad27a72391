"""What this package raises on purpose: one root, and a `ValueError` each."""

from typing import Self


class ObjectivesError(Exception):
    """Root of every error raised on purpose by `objectives`."""


class EmbeddingError(ObjectivesError, ValueError):
    """The embeddings cannot be measured: shape, dtype, non-finite values, or nothing in them."""


class InvalidArgumentError(ObjectivesError, ValueError):
    """An argument other than the embeddings is out of its range."""


class UnknownMeasureError(ObjectivesError, ValueError):
    """No measure is registered under that name.

    Attributes:
        name: The name that was asked for.
        known: The names that exist, sorted.
        nearest: The known name most like it, or None.
    """

    def __init__(self, name: str, known: tuple[str, ...], nearest: str | None) -> None:
        self.name = name
        self.known = known
        self.nearest = nearest
        hint = f"did you mean {nearest!r}?" if nearest else "use one of those."
        super().__init__(f"name: got {name!r}, wanted one of {', '.join(known)}; {hint}")

    def __reduce__(self) -> tuple[type[Self], tuple[str, tuple[str, ...], str | None]]:
        """Rebuild from the fields: workers send errors home pickled."""
        return type(self), (self.name, self.known, self.nearest)
