"""The body of `goldilocks score`."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from hpo.errors import ConfigError, DataError, StorageError
from hpo.score.reading import read_embeddings
from hpo.score.table import score_table, to_json
from hpo.suggestion import suggestion
from objectives import assess
from objectives.errors import ObjectivesError

LAYERS = ("backbone", "projector")


def score_file(
    console: Console,
    path: Path,
    *,
    key: str | None = None,
    views_key: str | None = None,
    ids_key: str | None = None,
    layer: str = "backbone",
    as_json: bool = False,
    plot: Path | None = None,
) -> None:
    """Measure the embeddings in a file, print what was found and draw the spectrum if asked to.

    Args:
        console: to print on.
        path: the file, see `read_embeddings` for it and the three keys.
        key: name of the embeddings.
        views_key: name of the views.
        ids_key: name of the image ids.
        layer: what the embeddings are, "backbone" or "projector".
        as_json: print JSON and nothing else.
        plot: where to write the page with the spectrum.

    Raises:
        ConfigError: an option is out of its range.
        DataError: the file cannot be measured.
        StorageError: the page cannot be written.
    """
    if layer not in LAYERS:
        raise ConfigError(
            f"--layer: got {layer!r}, wanted {' or '.join(LAYERS)}. {suggestion(layer, LAYERS)}"
        )
    if plot is not None:
        _check_plot(plot)
    file = read_embeddings(path, key=key, views_key=views_key, ids_key=ids_key)
    try:
        assessment = assess(file.embeddings, views=file.views, layer=layer)
    except ObjectivesError as error:
        raise DataError(f"{file.source}: {error}") from error
    if plot is not None:
        from hpo.score.spectrum_plot import spectrum_page

        _write(plot, spectrum_page(assessment, file, layer=layer))
    if as_json:
        # Past the console: it would fold long lines and colour words.
        console.file.write(
            json.dumps(to_json(assessment, file, layer=layer), indent=2, allow_nan=False) + "\n"
        )
        return
    console.print(score_table(assessment, file, layer=layer))
    if plot is not None:
        console.print(f"\nplot: {plot}", markup=False, highlight=False, soft_wrap=True)


def _check_plot(plot: Path) -> None:
    """Check before measuring that the page can be made, and that nothing else is overwritten."""
    from hpo.score.spectrum_plot import require_plotly

    if plot.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(
            f"--plot: got {plot}, wanted a name that ends in .html; the plot is one HTML page."
        )
    if plot.is_dir() or not plot.parent.is_dir():
        what = "is a directory" if plot.is_dir() else f"lies in {plot.parent}, which does not exist"
        raise ConfigError(f"--plot: {plot} {what}; wanted a file in a directory that exists.")
    require_plotly()


def _write(plot: Path, html: str) -> None:
    try:
        plot.write_text(html, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"--plot: {plot} cannot be written ({error.strerror or error}). Free disk space, or "
            "give another place."
        ) from error
