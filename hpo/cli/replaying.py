"""`goldilocks replay`: a recorded study decided again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo.cli.shell import console, errors_as_messages

_CHANGE, _ORDER = "What is changed; the rest is as it was recorded", "Order of arrival"


def replay(
    out: Annotated[Path, typer.Argument(help="Directory of the study.")],
    prune: Annotated[
        bool | None,
        typer.Option("--prune/--no-prune", help="Stop who falls behind.", rich_help_panel=_CHANGE),
    ] = None,
    rung_factor: Annotated[
        int | None,
        typer.Option(
            help="One trial in this many goes on; the rungs stay.", rich_help_panel=_CHANGE
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Rungs in a row that make a collapse.", rich_help_panel=_CHANGE),
    ] = None,
    filter: Annotated[
        bool | None,
        typer.Option(
            "--filter/--no-filter",
            help="Stop whose α is far from the zone.",
            rich_help_panel=_CHANGE,
        ),
    ] = None,
    filter_share: Annotated[
        float | None,
        typer.Option(help="Share that the filter lets go on.", rich_help_panel=_CHANGE),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(metavar="LOW..HIGH", help="A fixed zone of α.", rich_help_panel=_CHANGE),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(help="Another recorded measure.", rich_help_panel=_CHANGE),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help='Such as 8h or "200 epochs".', rich_help_panel=_CHANGE),
    ] = None,
    shuffles: Annotated[
        int | None,
        typer.Option(
            help="Also over this many random orders of the trials.", rich_help_panel=_ORDER
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of these orders.", rich_help_panel=_ORDER)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Decide a recorded study again, offline: what other settings would have saved or lost."""
    with errors_as_messages():
        from hpo.replay.command import replay_study

        replay_study(
            console(),
            out,
            as_json=as_json,
            shuffles=shuffles,
            seed=seed,
            prune=prune,
            rung_factor=rung_factor,
            patience=patience,
            filter=filter,
            filter_share=filter_share,
            zone=zone,
            objective=objective,
            budget=budget,
        )
