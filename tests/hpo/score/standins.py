"""Assessments made by hand, so that what is shown can be tested without measuring anything."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hpo.score.reading import EmbeddingsFile
from objectives.alpha_req import AlphaFit, fit_power_law
from objectives.collapse import CollapseReport
from objectives.measurement import Measurement, MeasurementRecord


@dataclass(frozen=True)
class StandIn:
    """The attributes of an `objectives.assessment.Assessment`."""

    collapse: CollapseReport
    values: tuple[Measurement, ...] = ()
    alpha: AlphaFit | None = None
    singular_values: Tensor | None = None
    covariance_eigenvalues: Tensor | None = None
    notes: dict[str, str] = field(default_factory=dict)


def measurement(measure: str, value: float) -> Measurement:
    record = MeasurementRecord(
        measure=measure,
        layer="projector",
        n_samples=200,
        dim=60,
        dtype="float32",
        options=(("epsilon", 1e-7),),
    )
    return Measurement(value, record)


def alive(**changed: Any) -> Any:
    """60 eigenvalues 5 · rank^-1.5, the last two of them 0 (the fit stops before)."""
    eigenvalues = 5 * torch.arange(1, 61, dtype=torch.float64) ** -1.5
    eigenvalues[58:] = 0
    fit = fit_power_law(eigenvalues, first_rank=4, last_rank=50)
    given: dict[str, Any] = {
        "collapse": CollapseReport(None, "", {"spread": 0.98, "rank": 41.5}),
        "values": (
            measurement("rankme", 41.53125),
            measurement("alpha_req", fit.alpha),
            measurement("uniformity", math.nan),
        ),
        "alpha": fit,
        "singular_values": (200 * eigenvalues).sqrt(),
        "covariance_eigenvalues": eigenvalues,
        "notes": {"lidar": "needs views", "rankme": "fewer samples than ten times dim"},
    }
    return StandIn(**(given | changed))


def not_finite() -> Any:
    reason = "3 of 200 embeddings hold values that are not finite"
    evidence = {"n_not_finite": 3.0, "spread": math.nan, "ratio": math.inf}
    return StandIn(CollapseReport("not finite", reason, evidence), notes={"rankme": "not finite"})


def a_file(*, views: int | None = None, name: str = "z.npy") -> EmbeddingsFile:
    shown = torch.zeros(200, 60)
    if views is None:
        return EmbeddingsFile(Path(name), name, shown)
    return EmbeddingsFile(Path(name), name, shown, torch.zeros(200, views, 60), first_views=True)
