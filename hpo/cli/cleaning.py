"""`goldilocks clean`: delete the checkpoints of a study that nothing needs any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo.cli.shell import console, errors_as_messages

if TYPE_CHECKING:
    from rich.table import Table

    from hpo.retention import Cleaning, FileVerdict
    from hpo.storage import StudyDirectory


def clean(
    out: Annotated[Path, typer.Argument(help="Directory of the study.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go and what stays; delete nothing.")
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="Trials that stay, the best. Default: the study's own."),
    ] = None,
    checkpoint_gib: Annotated[
        float | None,
        typer.Option(help="Most space for checkpoints, in GiB. Default: the study's own."),
    ] = None,
    features: Annotated[
        bool, typer.Option("--features", help="The cached features of probed backbones go too.")
    ] = False,
) -> None:
    """Delete the checkpoints of a study that nothing needs any more; never while it runs."""
    with errors_as_messages():
        from hpo.errors import ConfigError
        from hpo.storage import StudyDirectory

        if checkpoint_gib is not None and not 0 < checkpoint_gib < float("inf"):
            raise ConfigError(
                f"checkpoint_gib: got {checkpoint_gib:g}; wanted a number of GiB above 0."
            )
        directory, screen = StudyDirectory(out), console()
        plan = _plan(directory, keep, checkpoint_gib, with_features=features, dry_run=dry_run)
        for title, files in (("goes", plan.delete), ("stays", plan.keep)):
            if files:
                screen.print(_table(title, files, out))
        screen.print(_summary(plan, dry_run=dry_run), soft_wrap=True)
        if plan.delete and dry_run:
            screen.print("Nothing was deleted; the same without --dry-run does it.")


def _plan(
    directory: StudyDirectory,
    keep: int | None,
    checkpoint_gib: float | None,
    *,
    with_features: bool,
    dry_run: bool,
) -> Cleaning:
    """Decide, and unless it is a dry run delete, with the study held so that nobody runs it."""
    from hpo.config import StudyConfig
    from hpo.record import read_rows
    from hpo.retention import (
        Cleaning,
        cached_features,
        choice_is_made,
        delete_files,
        plan_cleaning,
        policy_of,
    )
    from hpo.storage import load_study

    study = load_study(directory)  # says so where there is none, before a lock is made there
    with directory.lock():
        directory.wait_for_workers(lambda text: typer.echo(text, err=True))
        defaults = {name: field.default for name, field in StudyConfig.model_fields.items()}
        given = {"keep": keep, "checkpoint_gib": checkpoint_gib}
        config = defaults | study.user_attrs.get("config", {})
        config |= {name: value for name, value in given.items() if value is not None}
        plan = plan_cleaning(
            study,
            directory,
            policy_of(
                study,
                keep=config["keep"],
                zone=config["zone"],
                checkpoint_gib=config["checkpoint_gib"],
            ),
            least_moved=config["least_moved"],
            choosing=not choice_is_made(read_rows(study, running=False), study.user_attrs),
            running=False,
        )
        extra = cached_features(directory.out / "features", half_written_only=not with_features)
        plan = Cleaning(plan.keep, (*plan.delete, *extra))
        if not dry_run:
            delete_files(plan.delete)
    return plan


def _table(title: str, files: tuple[FileVerdict, ...], out: Path) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(title, overflow="fold")
    table.add_column("MB", justify="right")
    table.add_column("because", overflow="fold")
    for file in files:
        name = str(file.path.relative_to(out))
        table.add_row(name, f"{file.n_bytes / 1e6:.1f}", file.reason)
    return table


def _summary(plan: Cleaning, *, dry_run: bool) -> str:
    went = "would go" if dry_run else "went"
    gone, left = (sum(f.n_bytes for f in files) / 1e6 for files in (plan.delete, plan.keep))
    return (
        f"{len(plan.delete)} files ({gone:.1f} MB) {went}, {len(plan.keep)} ({left:.1f} MB) stay."
    )
