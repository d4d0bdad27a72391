"""Probes of a study's backbones on its labelled images, each recorded in the study."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import optuna
import torch
from torch import Tensor, nn

from hpo.backbones import build_backbone
from hpo.checkpoint import load_checkpoint
from hpo.embedding import embed
from hpo.errors import ConfigError
from hpo.meter import Meter
from hpo.observer import Observer
from hpo.ordering import PROBE, next_order
from hpo.probing import FeatureCache, ProbeSplit, probe, split_probe, trial_backbone
from hpo.record import RUNG_PROBE
from hpo.storage import StudyDirectory
from hpo.workload import LabelledImages, Workload

_UNTRAINED, _PIXELS = "untrained", "pixels"


class Prober:
    """Probes backbones, each once: a record that the study holds is never made again.

    Args:
        study: where probes are recorded.
        directory: where checkpoints lie and features are kept.
        workload: its labelled images.
        meter: counts the time.
        observer: who watches.

    Raises:
        ConfigError: for a workload without labelled images.
    """

    def __init__(
        self,
        study: optuna.Study,
        directory: StudyDirectory,
        workload: Workload,
        meter: Meter,
        observer: Observer,
    ) -> None:
        if workload.probe is None:
            raise ConfigError("labels: the study has no labelled images; probes need some.")
        self.study, self.directory, self.workload = study, directory, workload
        self.meter, self.observer = meter, observer
        self.labelled: LabelledImages = workload.probe
        self.split: ProbeSplit = split_probe(self.labelled.labels, seed=workload.config.seed)
        self._cache = feature_cache(directory, workload, self.labelled, observer.note)
        self._missing: set[str] = set()  # what was not kept of trials that have ended

    def baselines(self, untrained: nn.Module) -> None:
        """Probe what the choice will be compared with; the first also tells what a probe costs."""
        if all(self.known(name) is not None for name in (_UNTRAINED, _PIXELS)):
            return
        self.observer.note("probing the untrained backbone and plain pixels")
        self._once(
            f"{PROBE}{_UNTRAINED}",
            lambda: self._cache.features(_UNTRAINED, lambda: self._embedded(untrained)),
        )
        self._once(f"{PROBE}{_PIXELS}", lambda: self.labelled.images.flatten(1).float() / 255.0)

    def trial(self, number: int) -> dict[str, float]:
        """Probe a trial's backbone as it was at its last rung.

        Args:
            number: of a trial that has ended.

        Returns:
            The record, see `hpo.probing.probe`, with its place `order` in the study.
        """

        def backbone() -> Tensor:
            state = load_checkpoint(self.directory.checkpoint(number))
            network = build_backbone(self.workload.backbone)
            network.load_state_dict(backbone_weights(state["training"]))
            return self._embedded(network.to(self.workload.device))

        name = self._backbone(number)
        return self._once(f"{PROBE}{number}", lambda: self._cache.features(name, backbone))

    def on_the_way(self, number: int, epoch: int) -> dict[str, float] | None:
        """Probe a trial's backbone as it was at a rung, if its features were kept there.

        Args:
            number: of a trial that has ended, whatever became of it.
            epoch: of the rung.

        Returns:
            The record, as of a trial that has ended; None without features.
        """
        key = f"{RUNG_PROBE}{number}/{epoch}"
        known: dict[str, float] | None = self.study.user_attrs.get(key)
        if known is not None or key in self._missing:
            return known
        features = self._cache.kept(trial_backbone(number, epoch))
        if features is None:
            self._missing.add(key)
            return None
        return self._once(key, lambda: features)

    def known(self, name: int | str) -> dict[str, float] | None:
        """Return the record of a probe that was made; None for one that was not."""
        record: dict[str, float] | None = self.study.user_attrs.get(f"{PROBE}{name}")
        return record

    def can_probe(self, number: int) -> bool:
        """Whether a trial's backbone, or its features, are still there."""
        return (
            self.directory.checkpoint(number).exists()
            or self._cache.path(self._backbone(number)).exists()
        )

    @property
    def accuracies(self) -> dict[int, float]:
        """Cross-validated accuracy in [0, 1] by trial, of all trials probed, replicates too."""
        return {
            int(name): float(record["cross_validated"])
            for name, record in self._records().items()
            if name not in (_UNTRAINED, _PIXELS)
        }

    @property
    def probe_seconds(self) -> float:
        """What a probe takes: the median of those made; nan before the first."""
        seconds = [float(r["seconds"]) for name, r in self._records().items() if name != _PIXELS]
        return float(median(seconds)) if seconds else math.nan

    def _records(self) -> dict[str, dict[str, Any]]:
        return {
            key.removeprefix(PROBE): record
            for key, record in self.study.user_attrs.items()
            if key.startswith(PROBE)
        }

    def _backbone(self, number: int) -> str:
        trial = self.study.get_trials(deepcopy=False)[number]
        return trial_backbone(number, max(trial.intermediate_values, default=0))

    def _embedded(self, backbone: nn.Module) -> Tensor:
        features, _ = embed(
            backbone,
            None,
            self.labelled.images,
            self.workload.normalisation,
            device=self.workload.device,
            on_batch=self.meter.tick,
        )
        return features

    def _once(self, key: str, features: Callable[[], Tensor]) -> dict[str, float]:
        known: dict[str, float] | None = self.study.user_attrs.get(key)
        if known is not None:
            return known
        started = time.monotonic()
        with _uninterrupted(self.meter), torch.no_grad():
            x = features()
            record = probe(x, self.labelled.labels, self.split, seed=self.workload.config.seed)
        record["seconds"] = time.monotonic() - started
        with self.directory.deciding():
            # Nothing is decided by baselines, nor by probes on the way: they need no place.
            decides = key.removeprefix(PROBE).isdecimal()
            record["order"] = next_order(self.study) if decides else 0
            self.study.set_user_attr(key, record)
        return record


def feature_cache(
    directory: StudyDirectory,
    workload: Workload,
    labelled: LabelledImages,
    note: Callable[[str], None] = lambda text: None,
) -> FeatureCache:
    """Return where a study keeps the features of its labelled images."""
    return FeatureCache(
        directory.out / "features", labelled.images, workload.backbone.dim, note=note
    )


@contextmanager
def _uninterrupted(meter: Meter) -> Iterator[None]:
    """The end of the search's time must not break a probe off: it has a reserve of its own."""
    phase = meter.phase
    meter.phase = "idle"
    try:
        yield
    finally:
        meter.phase = phase


def backbone_weights(training_state: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    """Take the backbone's weights, by torchvision's own names, out of a training state."""
    prefix = "backbone."
    return {
        name.removeprefix(prefix): tensor.contiguous()
        for name, tensor in training_state["learner"].items()
        if name.startswith(prefix)
    }
