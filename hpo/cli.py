"""The command line: `goldilocks run`, `goldilocks status` and `goldilocks score`."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

_STARTED = time.monotonic()

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


Fix = Annotated[
    list[str] | None,
    typer.Option("--fix", metavar="NAME=VALUE", help="Fix a hyperparameter; may be repeated."),
]
View = Annotated[
    list[str] | None,
    typer.Option("--view", metavar="NAME=VALUE", help="Set an option of the views; likewise."),
]


@app.command()
def run(
    data: Annotated[
        str | None,
        typer.Option(
            help="digits, a folder of images, FILE.npz or torchvision:NAME. Default: digits."
        ),
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option(help="Where the files of torchvision:NAME lie. Default: ./data.")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="simclr, barlow_twins, vicreg or byol. Default: simclr.")
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="guarded_rank, rankme, alpha_req, lidar, … (README). Default: guarded_rank."
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Trials at most. Default: 16, or none with a budget.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="Wall time of the whole study, such as 10m or 8h.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of a whole training. Default: 54.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory of the study. Default: studies/study.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything. Default: 0.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file with any of these options; this line wins.")
    ] = None,
    labels: Annotated[
        bool | None,
        typer.Option("--labels", help="Let linear probes of the shortlist choose."),
    ] = None,
    check_labels: Annotated[
        bool | None,
        typer.Option("--check-labels", help="Choose without labels, then say how well it went."),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(help="resnet18, resnet18_narrow or resnet10_narrow. Default: by device."),
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Side in pixels. Default: by data.")
    ] = None,
    max_images: Annotated[int | None, typer.Option(help="Use at most this many images.")] = None,
    max_unreadable_share: Annotated[
        float | None, typer.Option(help="Share of unreadable images to put up with. Default: 0.01.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images per step. Default: 128.")] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="adamw, lars or sgd. Default: adamw.")
    ] = None,
    fix: Fix = None,
    view: View = None,
    rung_factor: Annotated[
        int | None, typer.Option(help="One trial in this many goes on at a rung. Default: 3.")
    ] = None,
    probe_share: Annotated[
        float | None, typer.Option(help="Share of the budget kept for probing. Default: 0.1.")
    ] = None,
    shortlist_share: Annotated[
        float | None, typer.Option(help="Share of the finished trials shortlisted. Default: 0.333.")
    ] = None,
    least_moved: Annotated[
        float | None,
        typer.Option(help="Least distance from initialisation of a choice, 0 to 1. Default: 0.1."),
    ] = None,
    measure_images: Annotated[
        int | None, typer.Option(help="Images that only the measures see, at most. Default: 1024.")
    ] = None,
    lidar_views: Annotated[
        int | None, typer.Option(help="Views an image for LiDAR. Default: 10.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda. Default: auto.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads. Default: all.")] = None,
) -> None:
    """Search hyperparameters without labels and hand over the best backbone.

    The same command again goes on with the study in --out: nothing finished is repeated.
    """
    options = {k: v for k, v in locals().items() if k not in ("config", "fix", "view")}
    with _errors_as_messages():
        options["fix"] = _assignments("--fix", fix)
        options["views"] = _assignments("--view", view)
        _run(config, options)


@app.command()
def status(
    out: Annotated[Path, typer.Argument(help="Directory of the study.")],
) -> None:
    """Show a running, interrupted or finished study."""
    with _errors_as_messages():
        from hpo.report import print_report
        from hpo.storage import StudyDirectory, load_study

        directory = StudyDirectory(out)
        study = load_study(directory)
        print_report(_console(), study, directory, running=directory.is_running())


@app.command()
def score(
    file: Annotated[
        Path, typer.Argument(help="Embeddings: an .npy, .npz, .safetensors or .pt file.")
    ],
    key: Annotated[
        str | None, typer.Option(help="Name of the embeddings in the file. Default: the usual.")
    ] = None,
    views_key: Annotated[
        str | None, typer.Option(help="Name of the views (n_images, n_views, dim). Default: views.")
    ] = None,
    ids_key: Annotated[
        str | None, typer.Option(help="Name of the image id of each row. Default: image_ids.")
    ] = None,
    layer: Annotated[
        str, typer.Option(help="What the embeddings are: backbone or projector.")
    ] = "backbone",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="HTML", help="Also draw the spectrum, as one page.")
    ] = None,
) -> None:
    """Measure any embeddings without labels: the collapse verdict and every measure."""
    with _errors_as_messages():
        from hpo.score.command import score_file

        keys = {"key": key, "views_key": views_key, "ids_key": ids_key}
        score_file(_console(), file, layer=layer, as_json=as_json, plot=plot, **keys)


def _run(config_file: Path | None, options: dict[str, Any]) -> None:
    from hpo.config import load_config

    config = load_config(config_file, options)
    from hpo.interruption import Interrupted, stop_signals
    from hpo.progress import LiveProgress, PlainProgress
    from hpo.report import print_report
    from hpo.storage import StudyDirectory
    from hpo.study import run_study

    console = _console()
    progress = LiveProgress if console.is_terminal else PlainProgress
    try:
        with stop_signals() as flag, progress(console, config) as observer:
            study = run_study(config, observer=observer, flag=flag, started=_STARTED)
    except (Interrupted, KeyboardInterrupt) as stopped:
        name = str(stopped) or "SIGINT"
        typer.echo(
            f"stopped by {name}; everything finished is kept. Go on with:\n  {_same_command()}",
            err=True,
        )
        raise typer.Exit(143 if name == "SIGTERM" else 130) from None
    console.print()
    print_report(console, study, StudyDirectory(config.out), running=False)


def _console() -> Any:
    from rich.console import Console

    console = Console()
    # A log has no width of its own; 80 columns would fold every reason.
    return console if console.is_terminal else Console(width=160)


def _same_command() -> str:
    return shlex.join(["goldilocks", *sys.argv[1:]])


def _assignments(option: str, given: list[str] | None) -> dict[str, str] | None:
    """Read NAME=VALUE pairs."""
    if not given:
        return None
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            from hpo.errors import ConfigError

            raise ConfigError(f"{option}: got {text!r}; wanted NAME=VALUE, such as lr=0.001.")
        pairs[name.strip()] = value.strip()
    return pairs


@contextmanager
def _errors_as_messages() -> Iterator[None]:
    """Turn what a user can mend into a message and exit code 2; leave defects their traceback."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    from hpo.errors import GoldilocksError
    from objectives.errors import ObjectivesError
    from search_spaces import SearchSpacesError

    try:
        yield
    except (GoldilocksError, ObjectivesError, SearchSpacesError) as error:
        _fail(str(error))
    except (StorageInternalError, SQLAlchemyError) as error:
        cause = error.__cause__ or error
        _fail(
            f"the study's database could not be used ({str(cause).splitlines()[0]}). Free disk "
            f"space or make --out writable, then go on with:\n  {_same_command()}"
        )


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    main()
