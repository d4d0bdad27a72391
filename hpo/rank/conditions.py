"""The fixed conditions of a ranking: the same images, the same views, the same layer for all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

import torch
from torch import Tensor, nn

from hpo.collapse_gate import about_mean, features_report
from hpo.embedding import Normalisation, calibrate_batch_norm, embed, embed_views
from hpo.probing import probe, split_probe
from hpo.views import ViewRecipe
from objectives import (
    Assessment,
    EmbeddingError,
    EmbeddingStatistics,
    assess,
    distance_from_initialisation,
)


@dataclass(frozen=True)
class Untrained:
    """A network with fresh weights on these images, to compare with.

    Args:
        features: float32 (n, dim).
        assessment: its own measures.
        reference: statistics of its features.
    """

    features: Tensor
    assessment: Assessment
    reference: EmbeddingStatistics


@dataclass(frozen=True)
class Measured:
    """What was measured of one backbone.

    Args:
        name: as the user gave it.
        architecture: its name.
        dim: width of the features.
        assessment: every measure, each with its record.
        method: that it was trained with; None when unknown.
        made_for: side of the images it was trained on, pixels; None when unknown.
        normalised: with what.
        sha256: of the file of its weights.
        notes: what a user should know of it.
        moved: distance from the untrained network of its architecture; None when not asked for.
        accuracies: of probes, by name; empty when not asked for.
        is_untrained: whether it is a fresh network, set beside the others to compare with.
    """

    name: str
    architecture: str
    dim: int
    assessment: Assessment
    method: str | None = None
    made_for: int | None = None
    normalised: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = ()
    moved: float | None = None
    accuracies: Mapping[str, float] = field(default_factory=dict)
    is_untrained: bool = False


@dataclass(frozen=True)
class Conditions:
    """How every backbone of a ranking is measured.

    Args:
        images: uint8 (n, 1 or 3, size, size).
        recipe: of the views.
        n_views: views of each image.
        seed: of the views, of fresh networks and of the probe's split.
        device: where to embed.
        centred: whether features are taken about their mean, for learners without projector.
        labels: int64 (n,), -1 for none; None when they are not asked for.
        on_batch: called after each batch.
    """

    images: Tensor
    recipe: ViewRecipe
    n_views: int
    seed: int
    device: torch.device
    centred: bool = False
    labels: Tensor | None = None
    on_batch: Callable[[], None] = field(default=lambda: None, repr=False)

    def untrained(self, network: nn.Module) -> Untrained:
        """Measure a network with fresh weights, having calibrated its BatchNorm."""
        network.to(self.device)
        calibrate_batch_norm(
            network,
            self.images,
            self._as_it_is(),
            recipe=self.recipe,
            seed=self.seed,
            device=self.device,
        )
        features, views = self._embed(network)
        reference = EmbeddingStatistics.of(about_mean(features, self._mean(features)))
        return Untrained(features, self._assess(features, views, None), reference)

    def measure(
        self, network: nn.Module, start: Untrained | None = None
    ) -> tuple[Assessment, float | None, dict[str, float]]:
        """Measure a network.

        Args:
            network: pixels in [0, 1] to features (n, dim).
            start: its architecture untrained; None where nobody asked.

        Returns:
            Every measure; the distance from the untrained network, in [0, 1], nan where it is
            undefined and None without one; accuracies by the name of the probe.
        """
        features, views = self._embed(network.to(self.device))
        assessment = self._assess(features, views, start)
        if assessment.collapse.kind == "not finite":
            return assessment, None, {}
        return assessment, _moved(features, start), self._accuracies(features)

    def _embed(self, network: nn.Module) -> tuple[Tensor, Tensor]:
        as_it_is = self._as_it_is()
        features, _ = embed(
            network, None, self.images, as_it_is, device=self.device, on_batch=self.on_batch
        )
        views = embed_views(
            network,
            self.images,
            as_it_is,
            recipe=self.recipe,
            n_views=self.n_views,
            seed=self.seed,
            device=self.device,
            on_batch=self.on_batch,
        )
        return features, views

    def _as_it_is(self) -> Normalisation:
        """Networks normalise for themselves, each as it was trained."""
        channels = self.images.shape[1]
        return Normalisation((0.0,) * channels, (1.0,) * channels)

    def _mean(self, features: Tensor) -> Tensor | None:
        return features.mean(dim=0) if self.centred else None

    def _assess(self, features: Tensor, views: Tensor, start: Untrained | None) -> Assessment:
        reference, mean = start.reference if start else None, self._mean(features)
        found = assess(
            about_mean(features, mean),
            views=about_mean(views, mean),
            reference=reference,
            check_scale=False,
        )
        if mean is not None:
            report = features_report(features, reference=reference, mean=mean)
            found = replace(found, collapse=report)
        images, drawn = self.image_digest(), self.view_digest()
        values = tuple(
            replace(
                value,
                record=replace(
                    value.record,
                    images=images,
                    views=drawn if value.record.n_views is not None else None,
                    options=(*value.record.options, ("about_mean", self.centred)),
                ),
            )
            for value in found.values
        )
        return replace(found, values=values)

    def image_digest(self) -> str:
        """Return a short name of the images."""
        return hashlib.sha256(self.images.numpy().tobytes()).hexdigest()[:12]

    def view_digest(self) -> str:
        """Return a short name of the views: recipe, number and seed."""
        drawn = {"recipe": asdict(self.recipe), "n_views": self.n_views, "seed": self.seed}
        return hashlib.sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest()[:12]

    def _accuracies(self, features: Tensor) -> dict[str, float]:
        if self.labels is None:
            return {}
        labelled = self.labels >= 0
        x, y = features[labelled], self.labels[labelled]
        record = probe(x, y, split_probe(y, seed=self.seed), seed=self.seed)
        return {"knn": record["knn"], "linear": record["reported"]}


def _moved(features: Tensor, start: Untrained | None) -> float | None:
    if start is None:
        return None
    try:
        return distance_from_initialisation(features, start.features)
    except EmbeddingError:
        return float("nan")  # of a constant; the collapse report says so
