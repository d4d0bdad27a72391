"""What is wrong with something that a user wrote: everything at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from search_spaces.errors import SpaceError

Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong.

    Args:
        where: keys that lead to it, the outermost first.
        text: what was got, what was wanted, what to do.
    """

    where: Where
    text: str

    def under(self, *keys: str | int) -> Mistake:
        """Return the same as seen from further out.

        >>> Mistake(("low",), "got 'x'").under("lr").where
        ('lr', 'low')
        """
        return Mistake((*keys, *self.where), self.text)

    def line(self, lines: Mapping[Where, int]) -> int:
        """Return its line, or that of the nearest key round it; 1 for none.

        >>> Mistake(("lr", "low"), "got 'x'").line({("lr",): 7})
        7
        """
        for end in range(len(self.where), 0, -1):
            if self.where[:end] in lines:
                return lines[self.where[:end]]
        return 1


class Collected:
    """Lets several attempts fail before one error tells of all of them.

    >>> tried = Collected()
    >>> for name in ("a", "b"):
    ...     with tried.one():
    ...         raise SpaceError(f"{name}: wrong.")
    >>> tried.texts
    ['a: wrong.', 'b: wrong.']
    """

    def __init__(self) -> None:
        self.texts: list[str] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """Keep the `SpaceError` of one attempt for later."""
        try:
            yield
        except SpaceError as error:
            self.texts.append(str(error))

    def tell(self) -> None:
        """Raise what was kept.

        Raises:
            SpaceError: with a line for each; not where nothing failed.
        """
        if self.texts:
            raise SpaceError("\n".join(self.texts))


def told(name: str, mistakes: Iterable[Mistake], lines: Mapping[Where, int]) -> str:
    """Return all mistakes of a file as one message, in the order of their lines.

    >>> print(told("a.yaml", [Mistake(("lr",), "lr: got 0.")], {("lr",): 2}))
    a.yaml: line 2: lr: got 0.
    """
    placed = sorted({(mistake.line(lines), mistake.text) for mistake in mistakes})
    shown = [f"line {line}: {text}" for line, text in placed]
    if len(shown) == 1:
        return f"{name}: {shown[0]}"
    return "\n  ".join([f"{name}: {len(shown)} mistakes", *shown])
