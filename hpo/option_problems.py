"""What is wrong with an option, said under the option's name; of several options, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import search_spaces
from hpo.errors import ConfigError


@contextmanager
def about(option: str) -> Iterator[None]:
    """Turn an error of the search spaces into one about an option.

    Args:
        option: its name.

    Raises:
        ConfigError: where a line of it is a mistake, each under the option's name.
    """
    try:
        yield
    except search_spaces.SearchSpacesError as error:
        raise ConfigError("\n".join(f"{option}: {t}" for t in str(error).split("\n"))) from error


class Problems:
    """Keeps what is wrong with some options until all have been looked at."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    @contextmanager
    def about(self, option: str) -> Iterator[None]:
        """Keep what is wrong with an option."""
        try:
            with about(option):
                yield
        except ConfigError as error:
            self._texts.append(str(error))

    def tell(self) -> None:
        """Raise what was kept.

        Raises:
            ConfigError: with a line for each mistake; not where nothing was wrong.
        """
        if self._texts:
            raise ConfigError("\n".join(self._texts))
