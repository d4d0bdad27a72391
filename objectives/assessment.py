"""All measures of one network's embeddings at once, each with its record."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from torch import Tensor

from objectives.alignment import alignment
from objectives.alpha_req import AlphaFit, alpha_req
from objectives.collapse import CollapseReport, EmbeddingStatistics, collapse_report
from objectives.covariance_rank import covariance_rank
from objectives.embeddings import ArrayLike, check_embeddings, check_views
from objectives.errors import EmbeddingError
from objectives.guarded import gate, guarded_lidar_score, guarded_rank_score
from objectives.guarded_alpha import guarded_alpha_score
from objectives.idest import idest
from objectives.jackknife import permutation
from objectives.lidar import lidar, lidar_noise_corrected
from objectives.measurement import Measurement, MeasurementRecord
from objectives.moments import moments_of
from objectives.participation_ratio import participation_ratio
from objectives.rankme import rankme
from objectives.registry import MEASURES
from objectives.retrieval import view_retrieval
from objectives.self_cluster import self_cluster
from objectives.stable_rank import nesum, stable_rank
from objectives.uniformity import uniformity
from objectives.view_moments import view_moments_of

PAIRS_OF_AT_MOST = 4096
"""Samples of which all pairs are compared; more are thinned out, as their cost is quadratic."""

_RANK = {"epsilon": 1e-7}
_ALPHA = {"first_rank": 4, "last_rank": 100, "refit": False}
_LIDAR = {"delta": 1e-4, "relative_delta": False, "epsilon": 1e-7}
DEFAULT_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "alignment": {"power": 2.0},
    "alpha_req": _ALPHA,
    "covariance_rank": {**_RANK, "centred": True},
    "guarded_alpha": _ALPHA,
    "guarded_lidar": _LIDAR,
    "guarded_rank": _RANK,
    "idest": {"n_sizes": 16, "smallest": 0.2, "n_repeats": 3, "seed": 0},
    "lidar": _LIDAR,
    "lidar_noise_corrected": _LIDAR,
    "rankme": _RANK,
    "uniformity": {"temperature": 2.0},
}
"""What `assess` asks of each measure: the measure's own defaults, written out for the records."""


@dataclass(frozen=True)
class Assessment:
    """What all measures say of one network's embeddings.

    Attributes:
        collapse: Whether the embeddings are alive; to be read first.
        values: Each measure that has a value, with the record of how it was measured.
        alpha: The power-law fit behind α-ReQ; None for a single sample.
        singular_values: Uncentred, float64, descending; None where nothing could be measured.
        covariance_eigenvalues: float64, descending; None likewise.
        notes: By measure, why it has no value or how far to trust it.
    """

    collapse: CollapseReport
    values: tuple[Measurement, ...] = ()
    alpha: AlphaFit | None = None
    singular_values: Tensor | None = None
    covariance_eigenvalues: Tensor | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, measure: str) -> float:
        """Return the value of a measure; nan where it has none."""
        found = (value.value for value in self.values if value.record.measure == measure)
        return next(found, math.nan)


def assess(
    embeddings: ArrayLike,
    *,
    views: ArrayLike | None = None,
    layer: str = "backbone",
    reference: EmbeddingStatistics | None = None,
    moved: float | None = None,
    check_scale: bool = True,
) -> Assessment:
    """Measure embeddings by everything that can be measured without labels.

    One pass gives the second moments that the collapse report and all spectral measures share.
    Options are the defaults of each measure. The guarded objectives are −inf behind a closed gate.

    Args:
        embeddings: Shape (n_samples, dim), at least 2 samples, floating, any device. Values that
            are not finite are a verdict here, not an error.
        views: Shape (n_images, n_views, dim) of the same layer, for the measures that need them.
        layer: What the embeddings are, for the records; every measure is taken on it, also those
            whose authors read another.
        reference: Statistics of the untrained network, for the collapse report.
        moved: Distance from initialisation, for the collapse report.
        check_scale: Whether shrinking counts as collapse; see `collapse_report`.

    Returns:
        The assessment. When the embeddings hold values that are not finite it has no values.

    Raises:
        EmbeddingError: See `check_embeddings` and `check_views`; or a single sample.

    Examples:
        >>> import torch
        >>> noise = torch.randn(300, 16, generator=torch.Generator().manual_seed(0))
        >>> found = assess(noise)
        >>> found.collapse.kind, round(found["rankme"], 2), found.notes["lidar"]
        (None, 15.88, 'needs views (n_images, n_views, dim)')
    """
    try:
        rows = check_embeddings(embeddings)
        grouped = None if views is None else check_views(views)
    except EmbeddingError:
        # What is not finite is a verdict; anything else is refused.
        report = _not_finite(embeddings, views)
        if report is None:
            raise
        return Assessment(report)
    moments = moments_of(rows)
    report = collapse_report(moments, reference=reference, moved=moved, check_scale=check_scale)
    fit = alpha_req(moments)
    taken = _Taken(layer, DEFAULT_OPTIONS)
    few = thinned(rows)
    taken.add("alpha_req", rows, lambda **_: fit.alpha)
    taken.add("covariance_rank", rows, partial(covariance_rank, moments))
    taken.add("idest", few, lambda **options: idest(few, **options).dimension)
    taken.add("nesum", rows, partial(nesum, moments))
    taken.add("participation_ratio", rows, partial(participation_ratio, moments))
    taken.add("rankme", rows, partial(rankme, moments))
    taken.add("self_cluster", rows, partial(self_cluster, rows))
    taken.add("stable_rank", rows, partial(stable_rank, moments))
    taken.add("uniformity", few, partial(uniformity, few))
    if grouped is None:
        for name, measure in MEASURES.items():
            if measure.needs_views:
                taken.notes[name] = "needs views (n_images, n_views, dim)"
    else:
        _add_views(taken, grouped, moments_rank=taken.value("rankme"), report=report)
    values = tuple(sorted(taken.values, key=lambda found: found.record.measure))
    return Assessment(
        report,
        values,
        fit,
        moments.singular_values(),
        moments.covariance_eigenvalues(),
        MappingProxyType(taken.notes),
    )


def _not_finite(embeddings: ArrayLike, views: ArrayLike | None) -> CollapseReport | None:
    flat = None if views is None or views.ndim != 3 else views.reshape(-1, views.shape[-1])
    for values in (embeddings, flat):
        try:
            report = None if values is None else collapse_report(values)
        except EmbeddingError:
            continue
        if report is not None and report.kind == "not finite":
            return report
    return None


def _add_views(
    taken: _Taken, views: Tensor, *, moments_rank: float, report: CollapseReport
) -> None:
    few, moments = thinned(views), view_moments_of(views)
    taken.add("alignment", views, partial(alignment, views))
    taken.add("view_retrieval", few, lambda: view_retrieval(few))
    taken.add("lidar", views, partial(lidar, moments))
    taken.add("lidar_noise_corrected", views, partial(lidar_noise_corrected, moments))
    found, is_open = taken.value("view_retrieval"), gate(collapse=[report]).open
    scores = (
        ("guarded_alpha", lambda **_: guarded_alpha_score(taken.value("alpha_req"), found)),
        ("guarded_rank", lambda **_: guarded_rank_score(moments_rank, found)),
        ("guarded_lidar", lambda **_: guarded_lidar_score(taken.value("lidar"), found)),
    )
    for name, score in scores:
        taken.add(name, few, score if is_open else lambda **_: -math.inf)
        if not is_open:
            taken.note(name, f"the gate is closed: {report.kind}")


class _Taken:
    """The values taken so far, with notes on those that are missing or doubtful."""

    def __init__(self, layer: str, options: Mapping[str, Mapping[str, Any]]) -> None:
        self.layer, self.options = layer, options
        self.values: list[Measurement] = []
        self.notes: dict[str, str] = {}

    def add(self, name: str, measured: Tensor, measure: Callable[..., float]) -> None:
        options = self.options.get(name, {})
        try:
            value = measure(**options)
        except EmbeddingError as error:
            self.notes[name] = str(error)
            return
        if math.isnan(value):
            self.note(name, "undefined for these embeddings")
        record = MeasurementRecord.of(measured, measure=name, layer=self.layer, options=options)
        self.values.append(Measurement(value, record))
        facts = MEASURES[name]
        fewest = facts.minimum_samples(record.dim)
        if record.n_samples < fewest:
            self.note(name, f"{record.n_samples} samples, wanted {fewest} or more")
        if facts.layer != self.layer:
            self.note(name, f"its authors read the {facts.layer}")

    def note(self, name: str, text: str) -> None:
        self.notes[name] = f"{self.notes[name]}; {text}" if name in self.notes else text

    def value(self, name: str) -> float:
        found = (value.value for value in self.values if value.record.measure == name)
        return next(found, math.nan)


def thinned(samples: Tensor) -> Tensor:
    """Return the samples of which all pairs are compared: all, or `PAIRS_OF_AT_MOST` of them."""
    if len(samples) <= PAIRS_OF_AT_MOST:
        return samples
    return samples[permutation(len(samples), 0)[:PAIRS_OF_AT_MOST].to(samples.device)]
