"""A configuration made concrete: images split, backbone fitted, all checked before training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from hpo.backbones import BackboneSpec, backbone_spec
from hpo.config import CHANGEABLE, StudyConfig
from hpo.data import ImageSet, load_images, planned_sizes, split_images
from hpo.embedding import Normalisation
from hpo.errors import ConfigError, DataError
from hpo.measuring import Gauge
from hpo.training import TrainingPlan
from hpo.views import ViewRecipe
from objectives import get_measure

_MIN_STEPS_PER_EPOCH = 2


@dataclass(frozen=True)
class LabelledImages:
    """Images that only a probe sees, with their labels.

    Args:
        images: uint8 (n, channels, size, size).
        labels: int64 (n,).
        n_classes: classes among them.
    """

    images: Tensor
    labels: Tensor
    n_classes: int


@dataclass(frozen=True)
class Workload:
    """What a study works on.

    Args:
        config: as the user gave it.
        device: where.
        backbone: what is trained.
        recipe: the views.
        train: uint8 images to train on.
        normalisation: theirs.
        gauge: the images and conditions that only the measures see.
        probe: labelled images that only probes see; None when no labels were asked for.
        n_skipped: images that could not be read.
        identity: plain data that makes two runs the same study.
    """

    config: StudyConfig
    device: torch.device
    backbone: BackboneSpec
    recipe: ViewRecipe
    train: Tensor
    normalisation: Normalisation
    gauge: Gauge
    probe: LabelledImages | None
    n_skipped: int
    identity: dict[str, Any]

    def plan(self, hyperparameters: Mapping[str, Any]) -> TrainingPlan:
        """Make the training plan of one trial."""
        own = {k: v for k, v in hyperparameters.items() if k not in ("lr", "weight_decay")}
        return TrainingPlan(
            backbone=self.backbone,
            method=self.config.method,
            method_parameters=own,
            optimizer=self.config.optimizer,
            lr=float(hyperparameters["lr"]),
            weight_decay=float(hyperparameters["weight_decay"]),
            n_epochs=self.config.epochs,
            batch_size=self.config.batch_size,
            recipe=self.recipe,
            seed=self.config.seed,
        )


def prepare(config: StudyConfig, progress: Callable[[int, int], None] | None = None) -> Workload:
    """Load and split the images and fit everything to them.

    Args:
        config: the effective configuration.
        progress: called with (images decoded, images in all).

    Raises:
        ConfigError: for a device that is not there.
        DataError: for images that cannot be read, or too few of them.
    """
    device = _device(config.device)
    with_labels = config.labels or config.check_labels
    data = load_images(
        config.data,
        image_size=config.image_size,
        data_root=config.data_root,
        with_labels=with_labels,
        max_images=config.max_images,
        seed=config.seed,
        max_unreadable_share=config.max_unreadable_share,
        progress=progress,
    )
    backbone = backbone_spec(
        _backbone_name(config, device), image_size=data.image_size, in_channels=data.channels
    )
    n_measure, n_probe = planned_sizes(
        len(data),
        minimum_measure=get_measure(config.objective).minimum_samples(backbone.dim),
        minimum_train=_MIN_STEPS_PER_EPOCH * config.batch_size,
        with_probe=with_labels,
        max_measure=config.measure_images,
        n_labelled=None if data.labels is None else int((data.labels >= 0).sum()),
    )
    split = split_images(
        len(data), labels=data.labels, n_measure=n_measure, n_probe=n_probe, seed=config.seed
    )
    train = data.images[split.train]
    normalisation = Normalisation.of(train)
    recipe = _recipe(config)
    gauge = Gauge(
        images=data.images[split.measure],
        normalisation=normalisation,
        recipe=recipe,
        n_views=config.lidar_views,
        seed=config.seed,
        device=device,
    )
    return Workload(
        config=config,
        device=device,
        backbone=backbone,
        recipe=recipe,
        train=train,
        normalisation=normalisation,
        gauge=gauge,
        probe=_probe_images(data, split.probe),
        n_skipped=len(data.skipped),
        identity=_identity(config, data, backbone, recipe, gauge),
    )


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "device: got 'cuda', but torch sees no CUDA device here. Use --device cpu, or install "
            "a torch build with CUDA and its driver."
        )
    return torch.device(name)


def _backbone_name(config: StudyConfig, device: torch.device) -> str:
    if config.backbone != "auto":
        return config.backbone
    return "resnet18" if device.type == "cuda" else "resnet10_narrow"


def _recipe(config: StudyConfig) -> ViewRecipe:
    """The views: digits are never mirrored, because a mirrored 2 is no digit."""
    defaults = {"hf_prob": 0.0} if config.data == "digits" else {}
    return ViewRecipe(**{**defaults, **config.views.model_dump(exclude_none=True)})


def _probe_images(data: ImageSet, positions: Tensor) -> LabelledImages | None:
    if data.labels is None:
        return None
    labels = data.labels[positions]
    n_classes = len(torch.unique(labels))
    if n_classes < 2:
        raise DataError(
            f"labels: got {n_classes} class among the {len(labels)} labelled images that only the "
            "probe sees; wanted at least 2. Leave --labels out, or label more images."
        )
    return LabelledImages(data.images[positions], labels, n_classes)


def _identity(
    config: StudyConfig,
    data: ImageSet,
    backbone: BackboneSpec,
    recipe: ViewRecipe,
    gauge: Gauge,
) -> dict[str, Any]:
    """What must be the same for two runs to be one study; resolved values, not "auto"."""
    plain = config.model_dump(mode="json", exclude=set(CHANGEABLE) | {"views", "image_size"})
    return {
        **plain,
        "backbone": backbone.name,
        "image_size": data.image_size,
        "images": f"{len(data)} images, sha256 {data.fingerprint[:12]}",
        "views": asdict(recipe),
        "measured_as": gauge.record_digest(),
    }
