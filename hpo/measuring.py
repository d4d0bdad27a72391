"""What is measured at each rung, on the same images and the same views for every trial."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hpo.collapse_gate import about_mean, features_report
from hpo.data.store import ImageStore, as_store
from hpo.embedding import Normalisation, calibrate_batch_norm, embed, embed_views, project
from hpo.methods import backbone_of, projector_of
from hpo.views import ViewRecipe
from objectives import (
    DEFAULT_OPTIONS,
    MEASURES,
    CollapseReport,
    EmbeddingError,
    EmbeddingStatistics,
    alignment,
    assess,
    collapse_report,
    distance_from_initialisation,
    rankme,
    uniformity,
    view_retrieval,
)
from objectives.assessment import thinned

_BOTH_LAYERS = ("alignment", "rankme", "uniformity")
"""Published for the projector's output, and measured on the backbone too."""


@dataclass(frozen=True)
class Measurement:
    """One rung's measures.

    Args:
        values: by name, every measure of the registry that is computed from embeddings, on the
            layer that the registry names; `rankme_backbone`, `alignment_backbone` and
            `uniformity_backbone`; `alpha_r_squared`; `moved` (backbone, in [0, 1]); where both
            layers are asked for, the others with `_projector`. nan where one is undefined.
        backbone: collapse report on the features.
        projector: collapse report on the embeddings.
        eigenvalues: of the features' covariance, descending; empty where there is no value.
        gain: view retrieval of the features as a multiple of the untrained network's; nan where it
            is unknown, or nobody doubts the projector.
    """

    values: dict[str, float]
    backbone: CollapseReport
    projector: CollapseReport
    eigenvalues: tuple[float, ...] = ()
    gain: float = math.nan


@dataclass
class Gauge:
    """The fixed measuring conditions of a study.

    Args:
        images: uint8 (n, channels, size, size); nothing else ever sees them.
        normalisation: the training images'.
        recipe: the views LiDAR is measured on, whatever a trial is trained with.
        n_views: views per image.
        seed: of those views.
        device: where to embed.
        centred: whether features are taken about their mean, for learners without projector.
        both_layers: whether every measure is taken of the other layer as well.
        on_batch: called after each batch.
    """

    images: Tensor
    normalisation: Normalisation
    recipe: ViewRecipe
    n_views: int
    seed: int
    device: torch.device
    centred: bool = False
    both_layers: bool = False
    on_batch: Callable[[], None] = field(default=lambda: None)

    def record(self) -> dict[str, Any]:
        """Return how values are measured; values with different records cannot be compared."""
        digest = hashlib.sha256(self.images.numpy().tobytes()).hexdigest()
        record = {
            "images_sha256": digest,
            "n_images": len(self.images),
            "normalisation": asdict(self.normalisation),
            "n_views": self.n_views,
            "views": asdict(self.recipe),
            "views_seed": self.seed,
            "centred": self.centred,
            "measures": {
                name: {"layer": measure.layer, **DEFAULT_OPTIONS.get(name, {})}
                for name, measure in MEASURES.items()
                if measure.layer != "loss"
            },
        }
        # Left out where it is not asked for: the values are the same with and without it.
        return record | ({"both_layers": True} if self.both_layers else {})

    def record_digest(self) -> str:
        """Return a short name of the record, which travels with each value."""
        text = json.dumps(self.record(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def initial(self, learner: nn.Module, training_images: Tensor | ImageStore) -> Initial:
        """Describe the untrained network of a study, with its BatchNorm calibrated."""
        parts = nn.Sequential(backbone_of(learner), projector_of(learner))
        network = copy.deepcopy(parts)
        first = torch.arange(min(len(training_images), 1024))
        calibrate_batch_norm(
            network,
            as_store(training_images).read(first),
            self.normalisation,
            recipe=self.recipe,
            seed=self.seed,
            device=self.device,
        )
        features, embeddings = self._embed(network[0], network[1])
        return Initial(
            network[0],
            features,
            EmbeddingStatistics.of(about_mean(features, self._mean(features))),
            EmbeddingStatistics.of(about_mean(embeddings, self._mean(embeddings))),
        )

    def measure(self, learner: nn.Module, initial: Initial) -> Measurement:
        """Measure a learner as it is now, changing nothing about it."""
        trained, projector_head = backbone_of(learner), projector_of(learner)
        sees_scale = getattr(learner, "loss_sees_scale", False)
        features, embeddings = self._embed(trained, projector_head)
        mean = self._mean(features)
        backbone = features_report(features, reference=initial.backbone, mean=mean)
        projector = (
            collapse_report(embeddings, reference=initial.projector, check_scale=sees_scale)
            if mean is None
            else backbone
        )
        if "not finite" in (backbone.kind, projector.kind):
            return Measurement({}, backbone, projector)
        views = self._views(trained)
        projected = project(projector_head, views, device=self.device)
        values, eigenvalues = _values(
            about_mean(features, mean),
            about_mean(embeddings, mean),
            about_mean(views, mean),
            about_mean(projected, mean),
            initial,
            both_layers=self.both_layers,
        )
        gain = math.nan
        if backbone.kind is None and projector.kind is not None:
            gain = gain_of(values["view_retrieval"], self.untrained_retrieval(initial))
        return Measurement(values, backbone, projector, eigenvalues, gain)

    def untrained_retrieval(self, initial: Initial) -> float:
        """Return view retrieval of the untrained backbone's features, measured once."""
        if not initial.retrieval:
            views = self._views(initial.network)
            about = about_mean(views, self._mean(initial.features))
            initial.retrieval.append(or_nan(lambda: view_retrieval(thinned(about))))
        return initial.retrieval[0]

    def _views(self, backbone: nn.Module) -> Tensor:
        return embed_views(
            backbone,
            self.images,
            self.normalisation,
            recipe=self.recipe,
            n_views=self.n_views,
            seed=self.seed,
            device=self.device,
            on_batch=self.on_batch,
        )

    def _mean(self, features: Tensor) -> Tensor | None:
        return features.mean(dim=0) if self.centred else None

    def _embed(self, backbone: nn.Module, projector: nn.Module) -> tuple[Tensor, Tensor]:
        features, embeddings = embed(
            backbone,
            projector,
            self.images,
            self.normalisation,
            device=self.device,
            on_batch=self.on_batch,
        )
        return features, embeddings if embeddings is not None else features


@dataclass(frozen=True)
class Initial:
    """The untrained network that every trial of a study starts from.

    Args:
        network: its backbone, BatchNorm calibrated.
        features: float32 (n, dim), the measuring images through it.
        backbone: statistics of the features.
        projector: statistics of the embeddings.
        retrieval: view retrieval of its features, once somebody needed it.
    """

    network: nn.Module
    features: Tensor
    backbone: EmbeddingStatistics
    projector: EmbeddingStatistics
    retrieval: list[float] = field(default_factory=list)


def _values(
    features: Tensor,
    embeddings: Tensor,
    views: Tensor,
    projected: Tensor,
    initial: Initial,
    *,
    both_layers: bool,
) -> tuple[dict[str, float], tuple[float, ...]]:
    """Measure by name, the layer the one that the registry names; and the features' spectrum."""
    found = assess(features, views=views, reference=initial.backbone, check_scale=False)
    values = {name: found[name] for name, measure in MEASURES.items() if measure.layer != "loss"}
    if both_layers:
        other = assess(embeddings, views=projected, reference=initial.projector, check_scale=False)
        values |= {f"{name}_projector": other[name] for name in values if name not in _BOTH_LAYERS}
    values |= {f"{name}_backbone": values[name] for name in _BOTH_LAYERS}
    values |= {
        "alignment": or_nan(lambda: alignment(projected)),
        "rankme": or_nan(lambda: rankme(embeddings)),
        "uniformity": or_nan(lambda: uniformity(embeddings)),
        "alpha_r_squared": found.alpha.r_squared if found.alpha is not None else math.nan,
        "moved": or_nan(lambda: distance_from_initialisation(features, initial.features)),
    }
    spectrum = found.covariance_eigenvalues
    return values, () if spectrum is None else tuple(spectrum.tolist())


def gain_of(retrieval: float, untrained: float) -> float:
    """Return view retrieval as a multiple of the untrained network's; nan without either.

    >>> gain_of(0.1, 0.05)
    2.0
    """
    return retrieval / untrained if untrained > 0 else math.nan


def or_nan(measure: Callable[[], float]) -> float:
    """A measure that is undefined on these embeddings is nan; the collapse report says why."""
    try:
        return measure()
    except EmbeddingError:
        return math.nan
