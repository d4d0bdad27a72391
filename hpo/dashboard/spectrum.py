"""A trial's eigenspectrum at a rung: as it is recorded, and as it is read again."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpo.record import RUNG

SPECTRUM = "spectrum/"  # trial attribute: covariance eigenvalues of the backbone at an epoch

_ALL_UP_TO_RANK = 100  # where the power law is fitted
_THINNED_TO = 32
_CACHED = re.compile(r"trial-\d+-(\d+)\.safetensors")


@dataclass(frozen=True)
class Spectrum:
    """Covariance eigenvalues of a trial's features at an epoch.

    Args:
        epoch: of the rung.
        ranks: 1-based, ascending: each up to 100, fewer after that.
        eigenvalues: at these ranks, descending, each at least 0.
        n_ranks: of the whole spectrum.
        alpha: decay exponent over ranks 4 to 100; nan where there is no power law.
        r_squared: of that fit.
        images: whose features these are: "measuring" or "probe".
    """

    epoch: int
    ranks: tuple[int, ...]
    eigenvalues: tuple[float, ...]
    n_ranks: int
    alpha: float = math.nan
    r_squared: float = math.nan
    images: str = "measuring"


def spectrum_record(eigenvalues: Sequence[float]) -> dict[str, Any]:
    """Return a spectrum as a small record: every rank that is fitted, a few of the others.

    Args:
        eigenvalues: descending, each at least 0.

    Returns:
        Plain data of about a kilobyte: "eigenvalues" to four digits, "ranks" beyond the first
        hundred, and "n_ranks", how many there were.

    >>> spectrum_record([2.0, 0.123456, 0.0])
    {'eigenvalues': [2.0, 0.1235, 0.0], 'ranks': [], 'n_ranks': 3}
    """
    n = len(eigenvalues)
    ranks = list(range(1, min(n, _ALL_UP_TO_RANK) + 1))
    step = math.log(max(n, 1) / _ALL_UP_TO_RANK) / _THINNED_TO if n > _ALL_UP_TO_RANK else 0.0
    more = sorted(
        {round(_ALL_UP_TO_RANK * math.exp(step * k)) for k in range(1, _THINNED_TO + 1)} - {*ranks}
        if step
        else ()
    )
    return {
        "eigenvalues": [float(f"{eigenvalues[rank - 1]:.4g}") for rank in (*ranks, *more)],
        "ranks": more,
        "n_ranks": n,
    }


def recorded_spectra(attrs: Mapping[str, Any]) -> list[Spectrum]:
    """Return the spectra that a trial's attributes hold, the first rung's first."""
    epochs = sorted(int(key.removeprefix(SPECTRUM)) for key in attrs if key.startswith(SPECTRUM))
    return [_read(attrs, epoch) for epoch in epochs]


def cached_spectra(out: Path, number: int) -> list[Spectrum]:
    """Return the spectra of the features that were kept for a trial's probes, by epoch.

    For studies that recorded none: these are of the probe's images, on which α differs a little.

    Args:
        out: directory of the study.
        number: of the trial.

    Returns:
        Those whose features can be read and are finite; none where none were kept.
    """
    paths = sorted((out / "features").glob(f"trial-{number:04d}-*.safetensors"))
    found = [
        _measured(path, int(match[1])) for path in paths if (match := _CACHED.fullmatch(path.name))
    ]
    return [spectrum for spectrum in found if spectrum is not None]


def _read(attrs: Mapping[str, Any], epoch: int) -> Spectrum:
    record = attrs[f"{SPECTRUM}{epoch}"]
    values: Mapping[str, float] = attrs.get(f"{RUNG}{epoch}", {})
    first = len(record["eigenvalues"]) - len(record["ranks"])
    return Spectrum(
        epoch=epoch,
        ranks=(*range(1, first + 1), *record["ranks"]),
        eigenvalues=tuple(record["eigenvalues"]),
        n_ranks=int(record["n_ranks"]),
        alpha=values.get("alpha_req", math.nan),
        r_squared=values.get("alpha_r_squared", math.nan),
    )


def _measured(path: Path, epoch: int) -> Spectrum | None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    from objectives import EmbeddingError, SecondMoments, alpha_req

    moments = SecondMoments()
    try:
        moments.update(load(path.read_bytes())["features"])
    except (OSError, SafetensorError, KeyError, EmbeddingError):
        return None
    fit = alpha_req(moments)
    record = spectrum_record(moments.covariance_eigenvalues().tolist())
    known = {"alpha_req": fit.alpha, "alpha_r_squared": fit.r_squared}
    read = _read({f"{SPECTRUM}{epoch}": record, f"{RUNG}{epoch}": known}, epoch)
    return replace(read, images="probe")
