"""`goldilocks export`: the chosen backbone as a program for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo.cli.shell import errors_as_messages


def export(
    out: Annotated[
        Path, typer.Argument(help="Directory of the study, or a .safetensors file with its card.")
    ],
    form: Annotated[str, typer.Option("--format", help="torch-export or onnx.")],
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: beside the weights.")
    ] = None,
    with_normalisation: Annotated[
        str | None,
        typer.Option(
            metavar="unit|uint8", help="The graph takes pixels in [0, 1], or bytes, instead."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write the chosen backbone as a program that runs without this package, and check it."""
    with errors_as_messages():
        from hpo.exporting.command import export_program

        made = export_program(
            out, form=form, to=to, with_normalisation=with_normalisation, force=force
        )
    typer.echo(f"{made.path}: {made.n_bytes / 1e6:.1f} MB")
    typer.echo(f"takes {made.takes}, returns float32 (n, {made.dim}); any n")
    typer.echo(
        f"read again and run on a batch: largest difference {made.difference:.1e}, "
        f"of features up to {made.scale:.1e}"
    )
