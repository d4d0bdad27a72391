"""`goldilocks status`, `score` and `spaces`: looking at what there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo.cli.shell import console, errors_as_messages, fail

if TYPE_CHECKING:
    from search_spaces import SearchSpace


def status(
    out: Annotated[Path, typer.Argument(help="Directory of the study.")],
) -> None:
    """Show a running, interrupted or finished study."""
    with errors_as_messages():
        from hpo.report import print_report
        from hpo.storage import StudyDirectory, load_study

        directory = StudyDirectory(out)
        study = load_study(directory)
        print_report(console(), study, directory, running=directory.is_running())


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
    with errors_as_messages():
        from hpo.score.command import score_file

        keys = {"key": key, "views_key": views_key, "ids_key": ids_key}
        score_file(console(), file, layer=layer, as_json=as_json, plot=plot, **keys)


def spaces(
    method: Annotated[
        str | None,
        typer.Argument(help="A method, or FILE.py:BUILDER of your own. Default: all at a glance."),
    ] = None,
    optimizer: Annotated[str, typer.Option(help="adamw, sgd or lars.")] = "adamw",
    preset: Annotated[
        str, typer.Option(help="default, quick, wide, or a paper's grid.")
    ] = "default",
    views: Annotated[bool, typer.Option("--views", help="Vary the views' options too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print a preset file to begin your own from.")
    ] = False,
) -> None:
    """Show what is searched, what is held and why: ranges, defaults, sources, collapse edges."""
    from hpo.spaces_page import overview, space_page, space_record, to_json
    from search_spaces import SearchSpacesError, is_preset_file, method_names
    from search_spaces.preset_text import preset_text

    if method is None and (preset != "default" or views or as_yaml):
        fail(
            "method: not given; wanted one, for --preset, --views and --yaml are of one method's "
            "space."
        )
    if as_yaml and as_json:
        fail("--yaml: got --json as well; wanted one of them.")
    if as_yaml and is_preset_file(preset):
        fail(f"--yaml: got --preset {preset}, which is such a file already.")
    as_it_is = {"optimizer": optimizer, "preset": preset}
    try:
        shown = [_space(name, **as_it_is, views=views) for name in [method] if name is not None]
        if as_yaml:
            typer.echo(preset_text(shown[0], **as_it_is, views=views), nl=False)
        elif as_json:
            every = shown or [_space(n, **as_it_is, views=views) for n in method_names()]
            records = [space_record(space, **as_it_is) for space in every]
            typer.echo(to_json(records[0] if shown else records))
        else:
            console().print(space_page(shown[0], **as_it_is) if shown else overview())
    except SearchSpacesError as error:
        fail(str(error))


def _space(method: str, *, optimizer: str, preset: str, views: bool) -> SearchSpace:
    from search_spaces import get, method_names

    own = None
    if method not in method_names():
        # Loads torch, so only for a method of the user's, or for the reason why it is not one.
        with errors_as_messages():
            from hpo.methods import find_method

            own = find_method(method).space
    return get(method, optimizer=optimizer, preset=preset, dimensions=own, views=views)
