"""Spectra of the chosen, the median and a collapsed trial, with the power law of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo.dashboard.spectrum import Spectrum, cached_spectra, recorded_spectra, spectrum_record
from hpo.errors import GoldilocksError
from hpo.record import TrialRow
from hpo.report.webpage.json_values import json_value
from hpo.report.webpage.material import Material

if TYPE_CHECKING:
    from hpo.workload import Workload

_LAST_FITTED_RANK = 100
_MOST_EMBEDDED = 1024
_MOST_ASKED = 25  # trials that are asked for a spectrum, for each role

Find = Callable[[TrialRow], Spectrum | None]


@dataclass(frozen=True)
class Spectra:
    """What there is to draw, and what there is not.

    Args:
        drawn: "role", "number", "epoch", "ranks", "values" over the largest, "alpha" and
            "r_squared" (None where no line fits), and "line", the ends of the power law.
        missing: a text for every role without a spectrum.
        source: which images they are of.
    """

    drawn: tuple[dict[str, Any], ...] = ()
    missing: tuple[str, ...] = ()
    source: str = ""


def spectra_of(material: Material, workload: Workload | None) -> Spectra:
    """Find the spectra of the three trials, all of them from one source.

    The study's own records come first; then the features that were kept for probes; then the
    checkpoints, which are asked for the images that the measures saw. Of a role, the trial nearest
    to it that has a spectrum is taken, and the page names it.

    Args:
        material: of the study.
        workload: its images, if they can be read; without them no checkpoint is asked.
    """
    measuring, probed = "images that only the measures saw", "labelled images that only probes saw"
    sources: tuple[tuple[Find, str], ...] = (
        (lambda row: _last(recorded_spectra(_attrs(material, row))), measuring),
        (lambda row: _last(cached_spectra(material.directory.out, row.number)), probed),
        (lambda row: _of_checkpoint(material, workload, row), measuring),
    )
    for find, source in sources:
        drawn, missing = _drawn(material, find)
        if drawn:
            return Spectra(tuple(drawn), tuple(missing), source)
    if not material.own:
        return Spectra(missing=("there is no trial",))
    why = "the study recorded no spectra, and neither features nor checkpoints are kept"
    return Spectra(missing=(why,))


def _drawn(material: Material, find: Find) -> tuple[list[dict[str, Any]], list[str]]:
    drawn: list[dict[str, Any]] = []
    missing = []
    for role, rows, those, absent in _roles(material):
        taken = {each["number"] for each in drawn}
        others = [row for row in rows if row.number not in taken]
        found = _first(role, others, find)
        if found is not None:
            drawn.append(found)
        else:
            missing.append(f"no spectrum and no features of {those} are kept" if others else absent)
    return drawn, missing


def _roles(material: Material) -> list[tuple[str, Sequence[TrialRow], str, str]]:
    """Each role with its trials, the most fitting first, what they are, and that there are none."""
    chosen = () if material.chosen is None else (material.chosen,)
    finished = sorted(
        (r for r in material.own if r.state == "finished" and math.isfinite(r.objective)),
        key=lambda row: (row.objective, row.number),
    )
    middle = (len(finished) - 1) / 2
    by_middle = sorted(range(len(finished)), key=lambda place: (abs(place - middle), place))
    collapsed = [row for row in material.own if row.state == "collapsed" and row.epoch > 0]
    # The one that was trained longest shows most clearly what became of it.
    collapsed.sort(key=lambda row: (-row.epoch, _badness(material, row), row.number))
    return [
        ("chosen", chosen, "the chosen trial", "nothing was chosen"),
        ("median", [finished[p] for p in by_middle], "trials near the median", "no other finished"),
        ("collapsed", collapsed, "collapsed trials", "no trial collapsed"),
    ]


def _badness(material: Material, row: TrialRow) -> float:
    sign = 1.0 if material.direction == "maximize" else -1.0
    return sign * row.objective if math.isfinite(row.objective) else -math.inf


def _first(role: str, rows: Sequence[TrialRow], find: Find) -> dict[str, Any] | None:
    for row in rows[:_MOST_ASKED]:
        spectrum = find(row)
        if spectrum is not None and max(spectrum.eigenvalues, default=0.0) > 0:
            return {"role": role, "number": row.number, **drawable(spectrum)}
    return None


def drawable(spectrum: Spectrum) -> dict[str, Any]:
    """Return a spectrum over its largest eigenvalue, with the ends of its power law.

    Args:
        spectrum: with an eigenvalue above 0; every rank up to 100 is there.

    >>> drawn = drawable(Spectrum(9, tuple(range(1, 11)), tuple(2 / k for k in range(1, 11)), 10))
    >>> drawn["alpha"], drawn["line"]
    (1.0, [[4, 10], [0.25, 0.1]])
    """
    import torch

    from hpo.score.spectrum_plot import fitted_line
    from objectives import fit_power_law

    fitted = list(spectrum.eigenvalues[:_LAST_FITTED_RANK])
    fit = fit_power_law(torch.tensor(fitted, dtype=torch.float64))
    top = spectrum.eigenvalues[0]
    line = None
    if math.isfinite(fit.alpha):
        ends, heights = fitted_line(fitted, fit)
        line = [ends, [height / top for height in heights]]
    seen = [pair for pair in zip(spectrum.ranks, spectrum.eigenvalues, strict=True) if pair[1] > 0]
    found: dict[str, Any] = json_value(
        {
            "epoch": spectrum.epoch,
            "ranks": [rank for rank, _ in seen],
            "values": [value / top for _, value in seen],
            "alpha": fit.alpha,
            "r_squared": fit.r_squared,
            "line": line,
        }
    )
    return found


def _attrs(material: Material, row: TrialRow) -> dict[str, Any]:
    return material.trials[row.number].user_attrs


def _last(spectra: Sequence[Spectrum]) -> Spectrum | None:
    return spectra[-1] if spectra else None


def _of_checkpoint(material: Material, workload: Workload | None, row: TrialRow) -> Spectrum | None:
    """Embed the measures' images by a trial's checkpoint; None where there is none to use."""
    path = material.directory.checkpoint(row.number)
    if workload is None or not path.exists():
        return None
    from hpo.backbones import build_backbone
    from hpo.checkpoint import load_checkpoint
    from hpo.embedding import embed
    from hpo.prober import backbone_weights
    from objectives import covariance_eigenvalues

    network = build_backbone(workload.backbone)
    try:
        network.load_state_dict(backbone_weights(load_checkpoint(path)["training"]))
    except (GoldilocksError, RuntimeError, KeyError):
        return None
    images, device = workload.gauge.images[:_MOST_EMBEDDED], workload.device
    features, _ = embed(network.to(device), None, images, workload.normalisation, device=device)
    if not bool(features.isfinite().all()):
        return None
    record = spectrum_record(covariance_eigenvalues(features).tolist())
    first = len(record["eigenvalues"]) - len(record["ranks"])
    ranks = (*range(1, first + 1), *record["ranks"])
    return Spectrum(row.epoch, ranks, tuple(record["eigenvalues"]), record["n_ranks"])
