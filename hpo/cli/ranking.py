"""`goldilocks rank`: checkpoints of anyone's on the same images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo.cli.run_options import assignments
from hpo.cli.shell import console, errors_as_messages

if TYPE_CHECKING:
    from hpo.rank.command import Ranking, RankOptions

_FILES, _IMAGES, _SHOWN = "Files without a card", "Images and views", "Measures and what is shown"
_CHECKPOINTS = (
    "A study's directory, its chosen folder or a trial's checkpoint; or FILE@ARCHITECTURE, such as "
    "moco.ckpt@torchvision:resnet50."
)
_ARCHITECTURE = "timm:NAME, torchvision:NAME, one of our backbones or FILE.py:NAME."
_NORMALIZE = "imagenet, data, none or MEAN/STD. Default: imagenet for colour, data for grey."
_PREFIX = "Of the names of the weights, where a file holds several networks."
_DATA = "digits, a folder of images, FILE.npz or torchvision:NAME; best none that was trained on."
_MEASURE = "What ranks; given again, what is shown beside it. Default: view_retrieval."
_UNTRAINED = "Measure each architecture's untrained network as well."
_WIDTHS = "Rank features of different widths together."


def rank(
    checkpoints: Annotated[list[str], typer.Argument(metavar="CKPT...", help=_CHECKPOINTS)],
    data: Annotated[str, typer.Option(help=_DATA, rich_help_panel=_IMAGES)],
    data_root: Annotated[
        Path | None, typer.Option(help="Where torchvision:NAME lies.", rich_help_panel=_IMAGES)
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            help="Side in pixels. Default: the cards', or by data.", min=1, rich_help_panel=_IMAGES
        ),
    ] = None,
    measure_images: Annotated[
        int, typer.Option(help="Images at most.", min=2, rich_help_panel=_IMAGES)
    ] = 1024,
    lidar_views: Annotated[
        int, typer.Option(help="Views of each image.", min=2, rich_help_panel=_IMAGES)
    ] = 10,
    view: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="An option of the views.", rich_help_panel=_IMAGES),
    ] = None,
    architecture: Annotated[
        str | None, typer.Option(help=_ARCHITECTURE, rich_help_panel=_FILES)
    ] = None,
    normalize: Annotated[str | None, typer.Option(help=_NORMALIZE, rich_help_panel=_FILES)] = None,
    prefix: Annotated[str | None, typer.Option(help=_PREFIX, rich_help_panel=_FILES)] = None,
    allow_partial: Annotated[
        bool,
        typer.Option(
            "--allow-partial", help="Take weights that fit in part.", rich_help_panel=_FILES
        ),
    ] = False,
    measure: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=_MEASURE, rich_help_panel=_SHOWN),
    ] = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help=_UNTRAINED, rich_help_panel=_SHOWN)
    ] = False,
    check_labels: Annotated[
        bool,
        typer.Option(
            "--check-labels", help="Set probes' accuracies beside.", rich_help_panel=_SHOWN
        ),
    ] = False,
    across_widths: Annotated[
        bool, typer.Option("--across-widths", help=_WIDTHS, rich_help_panel=_SHOWN)
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON and nothing else.", rich_help_panel=_SHOWN),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of images, views and fresh networks.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Measure backbones of anyone's on the same images, without labels, and rank them.

    A file that cannot be read is named and the others are ranked; the exit code is then 2.
    """
    with errors_as_messages():
        from hpo.rank.command import RankOptions

        options = RankOptions(
            data=data,
            data_root=data_root,
            image_size=image_size,
            measure_images=measure_images,
            n_views=lidar_views,
            views=assignments("--view", view) or {},
            measures=tuple(measure or ()),
            architecture=architecture,
            normalize=normalize,
            prefix=prefix,
            allow_partial=allow_partial,
            untrained=untrained,
            check_labels=check_labels,
            across_widths=across_widths,
            seed=seed,
            device=device,
        )
        found = _rank(checkpoints, options)
        _show(found, as_json=as_json)
    for name, reason in found.failed.items():
        typer.echo(f"error: {name}: {reason}", err=True)
    if found.stopped:
        typer.echo(f"stopped by {found.stopped}; what was measured is above.", err=True)
        raise typer.Exit(143 if found.stopped == "SIGTERM" else 130)
    if found.failed:
        raise typer.Exit(2)


def _rank(checkpoints: list[str], options: RankOptions) -> Ranking:
    from hpo.interruption import stop_signals
    from hpo.rank.command import rank_checkpoints

    with stop_signals() as flag, _progress() as progress:
        return rank_checkpoints(checkpoints, options, flag=flag, progress=progress)


def _show(found: Ranking, *, as_json: bool) -> None:
    from hpo.rank.page import ranking_page, ranking_record

    screen = console()
    if as_json:
        # Past the console: it would fold long lines and colour words.
        text = json.dumps(ranking_record(found), indent=2, allow_nan=False, ensure_ascii=False)
        screen.file.write(text + "\n")
    elif found.rows:
        screen.print(ranking_page(found), soft_wrap=False)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, a line for each checkpoint elsewhere; both beside the output."""
    from rich.console import Console

    beside: Any = Console(stderr=True)
    if not beside.is_terminal:
        yield lambda name, done, n: typer.echo(f"measuring {done + 1} of {n}: {name}", err=True)
        return
    from rich.progress import Progress

    with Progress(console=beside, transient=True) as bar:
        task = bar.add_task("reading images")
        yield lambda name, done, n: bar.update(task, description=name, completed=done, total=n)
