"""What was yielded, measured: the same values and findings as of our own training."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from hpo.collapse_gate import about_mean, features_report
from hpo.errors import ConfigError
from hpo.label_free.yielded import Embeddings, missing_for
from hpo.measuring import gain_of, or_nan
from hpo.pruning import findings
from objectives import (
    DEFAULT_OPTIONS,
    MEASURES,
    CollapseReport,
    EmbeddingStatistics,
    Measure,
    alignment,
    assess,
    collapse_report,
    distance_from_initialisation,
    rankme,
    uniformity,
    view_retrieval,
)
from objectives.assessment import thinned
from objectives.embeddings import ArrayLike, check_embeddings, check_views


@dataclass(frozen=True)
class Start:
    """The untrained network of a trial, which what comes later is held against.

    Args:
        features: floating (n_images, dim).
        backbone: their statistics.
        projector: those of the projector's output, where there is one.
        retrieval: view retrieval of the features; nan without views.
    """

    features: Tensor
    backbone: EmbeddingStatistics
    projector: EmbeddingStatistics | None
    retrieval: float = math.nan

    @classmethod
    def of(cls, found: Embeddings, *, centred: bool) -> Start:
        """Describe the untrained network.

        Raises:
            EmbeddingError: for a wrong shape, or values that are not finite.
        """
        features = check_embeddings(found.embeddings)
        about = about_mean(features, _mean(features, centred))
        projected = found.projector
        return cls(
            # The next step of a loop may write into the same memory.
            features.clone(),
            EmbeddingStatistics.of(about),
            None if projected is None else EmbeddingStatistics.of(check_embeddings(projected)),
            math.nan if found.views is None else _retrieval(found.views, features, centred),
        )


def check_yielded(found: Embeddings, measures: Sequence[Measure]) -> None:
    """Refuse what the measures that are optimised cannot be taken of.

    Raises:
        ConfigError: naming what is missing; or a further value that has the name of a measure.
    """
    for measure in measures:
        if missing := missing_for(measure, found):
            raise ConfigError(missing)
    for name in found.values:
        if name in MEASURES and MEASURES[name].layer != "loss":
            raise ConfigError(f"values: got {name!r}, which is measured here; leave it out.")


def measure_yielded(found: Embeddings, start: Start | None, *, centred: bool) -> dict[str, Any]:
    """Measure what was yielded, by everything that it allows.

    Args:
        found: as yielded.
        start: the untrained network; None when nobody yielded it. Without it a collapse to a share
            of the untrained rank cannot be seen, nor whether the network moved.
        centred: whether features are taken about their mean, for methods without projector.

    Returns:
        A record as `hpo.trial_training.TrialTraining.measure` returns it.

    Raises:
        EmbeddingError: for a wrong shape or type.
    """
    features = check_embeddings(found.embeddings, finite=False)
    mean = _mean(features, centred)
    reference = None if start is None else start.backbone
    backbone = features_report(features, reference=reference, mean=mean)
    projector = _projector_report(found, start, backbone)
    values: dict[str, float] = {}
    if "not finite" not in (backbone.kind, projector.kind):
        views = None if found.views is None else about_mean(_tensor(found.views), mean)
        taken = assess(
            about_mean(features, mean), views=views, reference=reference, check_scale=False
        )
        if taken.collapse.kind == "not finite":
            backbone = taken.collapse  # the views are not
        else:
            values = {
                name: taken[name]
                for name, measure in MEASURES.items()
                if measure.layer != "loss" and (views is not None or not measure.needs_views)
            }
            values["alpha_r_squared"] = taken.alpha.r_squared if taken.alpha else math.nan
            values |= _of_the_projector(found, values)
    if values and start is not None:
        untrained = start.features.to(features.device)
        values["moved"] = or_nan(lambda: distance_from_initialisation(features, untrained))
    finding = findings(
        backbone,
        projector,
        references=(reference, None if start is None else start.projector or start.backbone),
        gain=math.nan
        if start is None
        else gain_of(values.get("view_retrieval", math.nan), start.retrieval),
    )
    further = {name: float(value) for name, value in found.values.items()}
    return {
        "values": values | further,
        "finding": None if finding is None else asdict(finding),
    }


def _retrieval(views: ArrayLike, features: Tensor, centred: bool) -> float:
    about = about_mean(check_views(views), _mean(features, centred))
    return or_nan(lambda: view_retrieval(thinned(about)))


def record_of(found: Embeddings, *, centred: bool) -> dict[str, Any]:
    """Return how values are measured; values with different records cannot be compared."""

    def size(what: Any, axis: int) -> int | None:
        return None if what is None else int(what.shape[axis])

    return {
        "n_images": size(found.embeddings, 0),
        "dim": size(found.embeddings, -1),
        "n_view_images": size(found.views, 0),
        "n_views": size(found.views, 1),
        "projector_dim": size(found.projector, -1),
        "dtype": str(found.embeddings.dtype).removeprefix("torch."),
        "centred": centred,
        "measures": {
            name: dict(DEFAULT_OPTIONS.get(name, {}))
            for name, measure in MEASURES.items()
            if measure.layer != "loss"
        },
    }


def digest_of(record: dict[str, Any]) -> str:
    """Return a short name of a record, which travels with each value."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:12]


def _projector_report(
    found: Embeddings, start: Start | None, backbone: CollapseReport
) -> CollapseReport:
    if found.projector is None:
        return backbone
    reference = None if start is None else start.projector
    return collapse_report(_tensor(found.projector), reference=reference, check_scale=False)


def _of_the_projector(found: Embeddings, values: dict[str, float]) -> dict[str, float]:
    """The measures that are published for the projector's output, and the features' beside them."""
    if found.projector is None:
        return {}
    projected = _tensor(found.projector)
    taken = {
        "rankme": or_nan(lambda: rankme(projected)),
        "uniformity": or_nan(lambda: uniformity(projected)),
    }
    if found.views is not None:
        views = found.projector_views
        taken["alignment"] = math.nan if views is None else or_nan(lambda: alignment(views))
    return taken | {f"{name}_backbone": values[name] for name in taken}


def _mean(features: Tensor, centred: bool) -> Tensor | None:
    return features.mean(dim=0) if centred else None


def _tensor(values: Any) -> Tensor:
    """A detached tensor of whatever array this is; its shape is checked where it is measured."""
    return torch.as_tensor(values).detach()
