"""The command line: `goldilocks run`, `status`, `score`, `rank`, `export` and the others."""

from __future__ import annotations

import os

import typer

from hpo.cli.cleaning import clean
from hpo.cli.describing import dashboard
from hpo.cli.exporting import export
from hpo.cli.looking import score, spaces, status
from hpo.cli.ranking import rank
from hpo.cli.replaying import replay
from hpo.cli.reporting import report
from hpo.cli.running import run

app = typer.Typer(
    name="goldilocks",
    help="Hyperparameter optimisation for self-supervised learning, without labels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    # Threads that spin for long while they wait make two busy processes many times slower than one;
    # threads that never spin make small networks slower than a single thread.
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    app()


@app.callback()
def _goldilocks() -> None:
    """Hyperparameter optimisation for self-supervised learning, without labels."""


for command in (run, status, report, replay, clean, dashboard, score, rank, export, spaces):
    app.command()(command)

__all__ = ["app", "main", "run"]
