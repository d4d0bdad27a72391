"""Parts of a Tune run that live in the driver's process alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self


class Unsaved:
    """Something that Tune may copy or save, and that has nothing worth saving.

    The study is the only record: what was running when a driver died is read from it, by a new
    Tuner. Tune saves its own state now and then all the same; of these parts it saves the name.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (_gone, (type(self).__name__,))


def _gone(name: str) -> str:
    return f"a {name} of a driver that has ended"
