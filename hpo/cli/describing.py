"""`goldilocks dashboard`: what optuna-dashboard shows, added to a study that lacks it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo.cli.shell import console, errors_as_messages


def dashboard(
    out: Annotated[Path, typer.Argument(help="Directory of the study.")],
) -> None:
    """Add notes and spectra for optuna-dashboard to an older study, and say how to start it."""
    with errors_as_messages():
        from hpo.dashboard.command import describe_out

        describe_out(console(), out)
