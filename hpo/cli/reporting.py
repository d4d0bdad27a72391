"""`goldilocks report`: a study as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo.cli.shell import console, errors_as_messages


def report(
    out: Annotated[Path, typer.Argument(help="Directory of the study.")],
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: report.html in that directory.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write what a study found as one HTML page that needs no network."""
    with errors_as_messages():
        from hpo.report.webpage import write_report
        from hpo.storage import StudyDirectory, load_study

        directory = StudyDirectory(out)
        study = load_study(directory)
        file = write_report(
            study, directory, to or out / "report.html", running=directory.is_running()
        )
        console().print(
            f"wrote {file} ({file.stat().st_size / 1e6:.1f} MB)", soft_wrap=True, markup=False
        )
        if show:
            import webbrowser

            webbrowser.open(file.absolute().as_uri())
