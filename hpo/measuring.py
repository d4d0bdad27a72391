"""What is measured at each rung, on the same images and the same views for every trial."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from hpo.embedding import Normalisation, calibrate_batch_norm, embed, embed_views
from hpo.methods import Learner
from hpo.views import ViewRecipe
from objectives import (
    CollapseReport,
    EmbeddingError,
    EmbeddingStatistics,
    alpha_req,
    collapse_report,
    distance_from_initialisation,
    lidar,
    rankme,
)

_T = TypeVar("_T")
_EPSILON, _DELTA, _FIRST_RANK, _LAST_RANK = 1e-7, 1e-4, 4, 100


@dataclass(frozen=True)
class Measurement:
    """One rung's measures.

    Args:
        values: by name: `rankme` (projector output), `rankme_backbone`, `alpha_req` and
            `alpha_r_squared` (backbone), `lidar` (backbone), `moved` (backbone, in [0, 1]). nan
            where one is undefined.
        backbone: collapse report on the features.
        projector: collapse report on the embeddings.
    """

    values: dict[str, float]
    backbone: CollapseReport
    projector: CollapseReport


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
        on_batch: called after each batch.
    """

    images: Tensor
    normalisation: Normalisation
    recipe: ViewRecipe
    n_views: int
    seed: int
    device: torch.device
    on_batch: Callable[[], None] = field(default=lambda: None)

    def record(self) -> dict[str, Any]:
        """Return how values are measured; values with different records cannot be compared."""
        digest = hashlib.sha256(self.images.numpy().tobytes()).hexdigest()
        return {
            "images_sha256": digest,
            "n_images": len(self.images),
            "normalisation": asdict(self.normalisation),
            "n_views": self.n_views,
            "views": asdict(self.recipe),
            "views_seed": self.seed,
            "rankme": {"layer": "projector", "epsilon": _EPSILON, "centred": False},
            "alpha_req": {"layer": "backbone", "ranks": [_FIRST_RANK, _LAST_RANK]},
            "lidar": {"layer": "backbone", "delta": _DELTA, "epsilon": _EPSILON},
        }

    def record_digest(self) -> str:
        """Return a short name of the record, which travels with each value."""
        text = json.dumps(self.record(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def initial(self, learner: Learner, training_images: Tensor) -> Initial:
        """Describe the untrained network of a study, with its BatchNorm calibrated."""
        network = copy.deepcopy(nn.Sequential(learner.backbone, learner.projector))
        calibrate_batch_norm(
            network,
            training_images[:1024],
            self.normalisation,
            recipe=self.recipe,
            seed=self.seed,
            device=self.device,
        )
        features, embeddings = self._embed(network[0], network[1])
        return Initial(
            network[0],
            features,
            EmbeddingStatistics.of(features),
            EmbeddingStatistics.of(embeddings),
        )

    def measure(self, learner: Learner, initial: Initial) -> Measurement:
        """Measure a learner as it is now, changing nothing about it."""
        features, embeddings = self._embed(learner.backbone, learner.projector)
        # No loss sees the features' scale: a projector lies between.
        backbone = collapse_report(features, reference=initial.backbone, check_scale=False)
        projector = collapse_report(
            embeddings, reference=initial.projector, check_scale=learner.loss_sees_scale
        )
        if "not finite" in (backbone.kind, projector.kind):
            return Measurement({}, backbone, projector)
        views = embed_views(
            learner.backbone,
            self.images,
            self.normalisation,
            recipe=self.recipe,
            n_views=self.n_views,
            seed=self.seed,
            device=self.device,
            on_batch=self.on_batch,
        )
        fit = _or_none(lambda: alpha_req(features, first_rank=_FIRST_RANK, last_rank=_LAST_RANK))
        values = {
            "rankme": _or_nan(lambda: rankme(embeddings, epsilon=_EPSILON)),
            "rankme_backbone": _or_nan(lambda: rankme(features, epsilon=_EPSILON)),
            "alpha_req": fit.alpha if fit is not None else math.nan,
            "alpha_r_squared": fit.r_squared if fit is not None else math.nan,
            "lidar": _or_nan(lambda: lidar(views, delta=_DELTA, epsilon=_EPSILON)),
            "moved": _or_nan(lambda: distance_from_initialisation(features, initial.features)),
        }
        return Measurement(values, backbone, projector)

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
    """

    network: nn.Module
    features: Tensor
    backbone: EmbeddingStatistics
    projector: EmbeddingStatistics


def _or_none(measure: Callable[[], _T]) -> _T | None:
    """A measure that is undefined on these embeddings is missing; the collapse report says why."""
    try:
        return measure()
    except EmbeddingError:
        return None


def _or_nan(measure: Callable[[], float]) -> float:
    value = _or_none(measure)
    return math.nan if value is None else value
