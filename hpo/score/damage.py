"""What is said of a file that cannot be parsed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpo.errors import DataError


@contextmanager
def damage_as_message(path: Path, written_by: str) -> Iterator[None]:
    """Turn whatever parsing a file raises into a DataError that says how the file is written.

    Args:
        path: the file.
        written_by: the call that writes such a file.

    Raises:
        DataError: anything was raised; a DataError passes as it is.
    """
    try:
        yield
    except DataError:
        raise
    # Damage can break any step of parsing, with any error: KeyError, zlib.error, SyntaxError, ...
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise DataError(
            f"{path} cannot be read: {reason}. Wanted a whole file as {written_by} writes it; "
            "write it again, or copy it again if it was copied."
        ) from error
