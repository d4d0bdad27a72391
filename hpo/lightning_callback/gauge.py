"""Measures a network on fixed images, and holds it against the one that the training began with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from hpo.collapse_gate import about_mean, features_report
from hpo.errors import ConfigError, DataError
from hpo.lightning_callback.freezing import calibrated, is_settled, measured
from hpo.lightning_callback.images import MeasuringBatch, MeasuringImages
from hpo.lightning_callback.network import Network
from hpo.lightning_callback.randomness import apart
from hpo.lightning_callback.start import FEATURES_OF_AT_MOST, Start, checksum
from hpo.lightning_callback.taking import Seen, take, that_need_views
from hpo.lightning_callback.tally import Kept, Layer, LayerTally
from hpo.measuring import Measurement, gain_of, or_nan
from objectives import (
    CollapseReport,
    CollapseThresholds,
    EmbeddingError,
    EmbeddingStatistics,
    collapse_report,
    distance_from_initialisation,
    view_retrieval,
)

_CALIBRATED_ON = 1024  # images: enough for statistics to the second digit


@dataclass(frozen=True)
class LoaderGauge:
    """Measures a network on the images of a loader.

    Args:
        images: that are measured.
        measures: by name.
        centred: whether features are taken about their mean; None for networks without projector,
            whose features may share a large offset (`hpo.collapse_gate`).
        at_most: images; None for all.
    """

    images: MeasuringImages
    measures: Sequence[str]
    centred: bool | None = None
    at_most: int | None = None

    def check(self) -> None:
        """Look at the first batch, before anything is trained.

        Raises:
            DataError: where there is none, or other images when it is read again.
            ConfigError: for measures that need views, without any.
        """
        with apart(torch.device("cpu")):
            first, again = (next(self.images.batches(at_most=2), None) for _ in range(2))
        if first is None or again is None:
            which = "no batch" if first is None else "no batch when read a second time"
            raise DataError(
                f"loader: got {which}; wanted images, the same ones as often as it is read: a "
                "DataLoader, not a generator."
            )
        _check_same(checksum(first.images), checksum(again.images))
        wanting = that_need_views(self.measures)
        if wanting and not first.views:
            raise ConfigError(
                f"views: got none from the loader, and {', '.join(wanting)} need them; wanted a "
                "loader of views, as Lightly's (views, labels, filenames); or views=TRANSFORM, "
                "which makes a view of an image; or measures=('rankme', 'alpha_req')."
            )

    def record(self, start: Start) -> dict[str, Any]:
        """Return how values are measured; values with different records cannot be compared."""
        return {
            "n_images": start.n_images,
            "n_views": start.n_views,
            "views_seed": self.images.seed,
            "centred": self.centred,
            # As many digits as no machine computes differently, and other images do.
            "images": f"{float(start.checksum.mean()):.4g}",
        }

    def start(self, network: Network, rank: int, world_size: int) -> tuple[Start, Measurement]:
        """Measure the network that a training begins with, its BatchNorm calibrated."""
        with apart(_device(network)), self._with_new_statistics(network):
            passed = self._pass(network, rank, world_size)
        if passed.n_not_finite:
            raise DataError(
                f"loader: got features that are not finite of {passed.n_not_finite} images from "
                "the untrained network; wanted finite images and weights."
            )
        centred = self._is_centred(network)
        backbone, projector = passed.layers(centred=centred)
        start = Start(
            EmbeddingStatistics.of(backbone.moments),
            EmbeddingStatistics.of(projector.moments),
            passed.features()[:FEATURES_OF_AT_MOST].float(),
            passed.n_images,
            0 if backbone.views is None else backbone.views.shape[1],
            passed.checksums,
            _retrieval(backbone),
        )
        return start, self._measurement(passed, start, centred=centred)

    def measure(
        self, network: Network, start: Start | None, rank: int, world_size: int
    ) -> Measurement:
        """Measure a network as it is now, and leave it as it is.

        Args:
            network: of a module in training.
            start: None where the beginning is not known: then what can only be seen beside it
                (shrunk, exploded, most collapses of rank, `moved`) is not.
            rank: of this process.
            world_size: how many processes measure together.

        Raises:
            DataError: for other images than at the start.
        """
        with apart(_device(network)), self._evaluated(network):
            passed = self._pass(network, rank, world_size)
        if start is not None:
            _check_same(start.checksum, passed.checksums)
            if passed.n_images != start.n_images:
                raise DataError(
                    f"loader: got {passed.n_images} images; wanted the {start.n_images} that were "
                    "measured at the start."
                )
        return self._measurement(passed, start, centred=self._is_centred(network))

    def _is_centred(self, network: Network) -> bool:
        return network.projector is None if self.centred is None else self.centred

    def _measurement(self, passed: _Pass, start: Start | None, *, centred: bool) -> Measurement:
        if passed.n_not_finite:
            broken = CollapseReport(
                "not finite",
                f"{passed.n_not_finite} embeddings hold values that are not finite",
                {"n_not_finite": float(passed.n_not_finite)},
            )
            return Measurement({}, broken, broken)
        raw, mean = passed.features(), None
        if centred:
            mean = raw.mean(dim=0)
        backbone, projector = passed.layers(centred=centred)
        known = (None, None) if start is None else (start.backbone, start.projector)
        if centred and known[0] is not None:
            report = features_report(raw, reference=known[0], mean=mean)
        else:
            report = _report(backbone, known[0])
        other = report if centred else _report(projector, known[1])
        values = take(self.measures, Seen(backbone, projector, report))
        values["moved"] = math.nan if start is None else _moved(raw, start.features)
        gain = math.nan
        if start is not None and report.kind is None and other.kind is not None:
            gain = gain_of(_retrieval(backbone), start.retrieval)
        return Measurement(values, report, other, gain=gain)

    def _evaluated(self, network: Network) -> AbstractContextManager[None]:
        settled = is_settled(network.module)
        return measured(network.module) if settled else self._with_new_statistics(network)

    def _with_new_statistics(self, network: Network) -> AbstractContextManager[None]:
        return calibrated(network.module, lambda: self._calibrate(network))

    def _calibrate(self, network: Network) -> None:
        size = 0
        for batch in self.images.batches(at_most=_CALIBRATED_ON):
            images = batch.views[0] if batch.views else batch.images
            # Every batch counts the same in the average, so a short one at the end is left out.
            if len(images) > 1 and len(images) >= size:
                network.embeddings(network.features(images))
                size = len(images)

    def _pass(self, network: Network, rank: int, world_size: int) -> _Pass:
        backbone, projector, sums = LayerTally(), LayerTally(), Kept(FEATURES_OF_AT_MOST)
        for batch in self.images.batches(rank, world_size, at_most=self.at_most):
            sums.update(batch.places, checksum(batch.images))
            features, views = self._features(network, batch)
            backbone.update(batch.places, features, views)
            if network.projector is not None:
                wanted = views is not None and "alignment" in self.measures
                projected = _each(network, views) if views is not None and wanted else None
                projector.update(batch.places, network.embeddings(features), projected)
        return _Pass.of(backbone, projector if network.projector is not None else backbone, sums)

    def _features(self, network: Network, batch: MeasuringBatch) -> tuple[Tensor, Tensor | None]:
        """Features (n, dim) of images and (n, n_views, dim) of their views, where needed."""
        features = network.features(batch.images)
        if not batch.views or not that_need_views(self.measures):
            return features, None
        views = [
            features if view is batch.images else network.features(view) for view in batch.views
        ]
        return features, torch.stack(views, dim=1)


@dataclass(frozen=True)
class _Pass:
    """One pass over the images, merged over all processes."""

    backbone: Layer | None
    projector: Layer | None
    n_images: int
    n_not_finite: int
    checksums: Tensor

    @classmethod
    def of(cls, backbone: LayerTally, projector: LayerTally, sums: Kept) -> _Pass:
        features, n_images, bad = backbone.reduced()
        embeddings = features
        if projector is not backbone:
            embeddings, _, more = projector.reduced()
            bad += more
        checksums = sums.reduced()
        return cls(
            features, embeddings, n_images, bad, torch.empty(0) if checksums is None else checksums
        )

    def features(self) -> Tensor:
        if self.backbone is None or self.backbone.rows is None:
            raise EmbeddingError("loader: got no finite features from its images.")
        return self.backbone.rows

    def layers(self, *, centred: bool) -> tuple[Layer, Layer]:
        """Both layers; centred ones by the rows that were kept, about their own mean."""
        if self.backbone is None or self.projector is None:
            raise EmbeddingError("loader: got no finite features from its images.")
        if not centred:
            return self.backbone, self.projector
        return _centred(self.backbone), _centred(self.projector)


def _report(layer: Layer, start: EmbeddingStatistics | None) -> CollapseReport:
    limits = CollapseThresholds()
    if start is not None:
        # Features of some networks begin all but equal: they are dead when they get more so.
        limits = replace(
            limits,
            smallest_spread=min(limits.smallest_spread, start.spread / 2),
            smallest_rank=min(limits.smallest_rank, start.rank / 2),
        )
    return collapse_report(layer.moments, reference=start, check_scale=False, thresholds=limits)


def _centred(layer: Layer) -> Layer:
    rows = layer.rows
    if rows is None:
        return layer
    mean = rows.mean(dim=0)
    views = None if layer.views is None else about_mean(layer.views, mean)
    return Layer.of_rows(about_mean(rows, mean), views)


def _retrieval(layer: Layer) -> float:
    views = layer.views
    return math.nan if views is None else or_nan(lambda: view_retrieval(views))


def _each(network: Network, views: Tensor) -> Tensor:
    return torch.stack([network.embeddings(view) for view in views.unbind(dim=1)], dim=1)


def _device(network: Network) -> torch.device:
    return next(network.module.parameters()).device


def _moved(features: Tensor, initial: Tensor) -> float:
    try:
        return distance_from_initialisation(features[: len(initial)], initial)
    except EmbeddingError:
        return math.nan


def _check_same(before: Tensor, now: Tensor) -> None:
    if before.shape != now.shape or not torch.allclose(before, now, equal_nan=True):
        raise DataError(
            "loader: got other images, or the same in another order, than when it was read before; "
            "wanted the same every time: shuffle=False, and random views drawn from torch, numpy "
            "or random, which are seeded here."
        )
