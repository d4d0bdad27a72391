"""The report as one HTML page that needs nothing else: text at once, plots when they are seen."""

from __future__ import annotations

import base64
import gzip
import os
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import optuna

from hpo.errors import GoldilocksError, StorageError
from hpo.report.webpage.augmentations import augmentations_of
from hpo.report.webpage.curves import curves_of
from hpo.report.webpage.heading import heading_of
from hpo.report.webpage.hyperparameters import importances_of, places_of
from hpo.report.webpage.images_of_study import read_images, seen_by_chosen
from hpo.report.webpage.material import Material
from hpo.report.webpage.neighbours import neighbours_of
from hpo.report.webpage.reproducing import reproduction_of
from hpo.report.webpage.spectra import spectra_of
from hpo.report.webpage.spending_bars import spending_of
from hpo.report.webpage.trials_table import trials_table_of
from hpo.report.webpage.trusting import trust_of
from hpo.storage import StudyDirectory

SECTIONS = (
    ("result", "Result"),
    ("trust", "Trust"),
    ("trials", "Trials"),
    ("curves", "Curves"),
    ("spectra", "Spectra"),
    ("landscape", "Map of α"),
    ("importance", "Importance"),
    ("budget", "Cost"),
    ("pictures", "Pictures"),
    ("reproduce", "Do it again"),
)
_HERE = Path(__file__).parent
_SCRIPTS = (
    "plotting.js",
    "table.js",
    "curves.js",
    "spectra.js",
    "landscape.js",
    "parallel.js",
    "copying.js",
)


def write_report(
    study: optuna.Study, directory: StudyDirectory, to: Path, *, running: bool
) -> Path:
    """Write the report of a study; a failure leaves the one of before.

    Args:
        study: to report on.
        directory: the study's.
        to: the file.
        running: whether a process is at work on it.

    Returns:
        The file.

    Raises:
        StorageError: when it cannot be written, or the study has several objectives.
    """
    content = report_page(study, directory, running=running).encode()
    partial = to.with_name(f"{to.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(to)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StorageError(
            f"to: {to} cannot be written ({error.strerror or error}). Name a file in a folder that "
            "exists and can be written with --to."
        ) from error
    return to


def report_page(study: optuna.Study, directory: StudyDirectory, *, running: bool) -> str:
    """Lay out the report of a running, interrupted or finished study.

    Args:
        study: to report on.
        directory: the study's.
        running: whether a process is at work on it.

    Returns:
        HTML. All that a user or a file put in it is escaped.

    Raises:
        StorageError: for a study of several objectives.
    """
    from markupsafe import Markup

    material = Material.of(study, directory, running=running)
    section, trusted = trust_of(material)
    importances, why_none = importances_of(material)
    spending = spending_of(material)
    data = {"curves": curves_of(material), "places": places_of(material, importances)}
    shown = {
        "heading": heading_of(material),
        "table": trials_table_of(material),
        "objective": material.objective,
        "zone": str(material.zone),
        "importances": importances,
        "largest_importance": max(importances.values(), default=1.0) or 1.0,
        "importances_missing": why_none,
        "spending": spending,
        "saved": any(title == "saved" for title, _ in spending.lines),
        "reproduction": reproduction_of(material),
        "trust": Markup(section),
        "trusted": trusted,
        **_seen(material, data),
    }
    page: str = (
        _environment()
        .get_template("page.html")
        .render(
            **shown,
            data=data,
            sections=SECTIONS,
            style=Markup(_file("report.css")),
            theme_script=Markup(_file("theme.js")),
            script=Markup("\n".join(_file(name) for name in _SCRIPTS)),
            plotly=_plotly(),
            version=version("goldilocks-hpo"),
            made_on=f"{datetime.now():%d %B %Y}",
        )
    )
    return page


def _seen(material: Material, data: dict[str, Any]) -> dict[str, Any]:
    """What needs the study's images or features: spectra, neighbours and views."""
    workload, why_not = read_images(material)
    spectra = spectra_of(material, workload)
    data["spectra"] = {"trials": list(spectra.drawn)}
    chosen = material.chosen
    found: dict[str, Any] = {"spectra": spectra, "chosen": chosen, "queries": (), "augmented": ()}
    found |= {"seen_source": "", "neighbours_missing": why_not, "augmented_missing": why_not}
    if workload is None:
        return found
    if chosen is None:
        found["neighbours_missing"] = "nothing was chosen"
    else:
        try:
            seen = seen_by_chosen(material, workload)
            found |= {"queries": neighbours_of(seen), "seen_source": seen.source}
        except GoldilocksError as error:
            found["neighbours_missing"] = " ".join(str(error).split())
    row = chosen or next((row for row in material.own if row.hyperparameters), None)
    if row is None:
        found["augmented_missing"] = "no trial was started"
    else:
        try:
            found["augmented"] = augmentations_of(workload, row)
        except GoldilocksError as error:
            found["augmented_missing"] = " ".join(str(error).split())
    return found


def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    """Plotly's script, compressed: the page inflates it when the first plot comes into view."""
    from plotly.offline import get_plotlyjs

    packed = gzip.compress(get_plotlyjs().encode(), compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode("ascii")
