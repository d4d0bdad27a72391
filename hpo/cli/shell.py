"""What every command shares: the console, errors as messages, the command to give again."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

STARTED = time.monotonic()


def console() -> Any:
    """Return the console to print on."""
    from rich.console import Console

    made = Console()
    # A log has no width of its own; 80 columns would fold every reason.
    return made if made.is_terminal else Console(width=160)


def same_command() -> str:
    """Return the command line that was given."""
    return shlex.join(["goldilocks", *sys.argv[1:]])


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn what a user can mend into a message and exit code 2; leave defects their traceback."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    from hpo.errors import GoldilocksError
    from objectives.errors import ObjectivesError
    from search_spaces import SearchSpacesError

    try:
        yield
    except (GoldilocksError, ObjectivesError, SearchSpacesError) as error:
        fail(str(error))
    except (StorageInternalError, SQLAlchemyError) as error:
        cause = error.__cause__ or error
        fail(
            f"the study's database could not be used ({str(cause).splitlines()[0]}). Nothing "
            "recorded is lost. Mend that (free disk space, make --out writable, or see to the "
            f"database server), then go on with:\n  {same_command()}"
        )


def fail(message: str) -> None:
    """Print a message and end with exit code 2."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)
