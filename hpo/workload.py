"""A configuration made concrete: images split, backbone fitted, all checked before training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hpo.backbones import BackboneSpec, backbone_spec, build_backbone
from hpo.config import CHANGEABLE, StudyConfig, ViewOptions
from hpo.data import ImageSet, load_images, planned_sizes, split_images
from hpo.data.store import ImageStore, Selection
from hpo.embedding import Normalisation
from hpo.errors import ConfigError, DataError
from hpo.measuring import Gauge
from hpo.methods import build_learner, find_method, projector_of
from hpo.named_object import file_digest
from hpo.optimization import OptimizerPlan
from hpo.precision import Precision, resolve_precision
from hpo.training import Training, TrainingPlan
from hpo.views import ViewPlan
from objectives import get_measure
from search_spaces import SearchSpace

_MIN_STEPS_PER_EPOCH = 2
_SMALL_CROPS_FROM_SIZE = 32
_OPTIMIZER, _VIEWS = ("lr", "weight_decay", "warmup_share"), tuple(ViewOptions.model_fields)


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
        space: what varies and what is fixed.
        views: of a trial that searches none of their options.
        train: uint8 images to train on.
        normalisation: theirs.
        precision: of the networks.
        gauge: the images and conditions that only the measures see.
        probe: labelled images that only probes see; None when no labels were asked for.
        n_skipped: images that could not be read.
        identity: plain data that makes two runs the same study.
    """

    config: StudyConfig
    device: torch.device
    backbone: BackboneSpec
    space: SearchSpace
    views: ViewPlan
    train: ImageStore
    normalisation: Normalisation
    gauge: Gauge
    precision: Precision
    probe: LabelledImages | None
    n_skipped: int
    identity: dict[str, Any]

    @property
    def images_per_epoch(self) -> int:
        """Training images that an epoch sees, each counted once whatever its views."""
        return len(self.train) // self.config.batch_size * self.config.batch_size

    def plan(self, hyperparameters: Mapping[str, Any], seed: int | None = None) -> TrainingPlan:
        """Make the training plan of one trial; the seed is the study's but for replicates."""
        config, given = self.config, dict(hyperparameters)
        optimizer = OptimizerPlan(
            name=config.optimizer,
            lr=float(given.pop("lr")),
            weight_decay=float(given.pop("weight_decay")),
            warmup_share=float(given.pop("warmup_share", OptimizerPlan.warmup_share)),
            clip_norm=config.clip_norm,
            accumulate=config.accumulate,
        )
        changed = {name: given.pop(name) for name in _VIEWS if name in given}
        return TrainingPlan(
            backbone=self.backbone,
            method=config.method,
            method_parameters=given,
            optimizer=optimizer,
            n_epochs=config.epochs,
            batch_size=config.batch_size,
            views=self.views.changed(changed),
            pipeline=config.pipeline,
            n_loader_workers=config.loader_workers,
            compiled=config.compile,
            precision=self.precision,
            seed=config.seed if seed is None else seed,
        )

    def begin(self, plan: TrainingPlan) -> Training:
        """Begin the training of a plan in this process."""
        return Training(plan, self.train, self.normalisation, self.device)


def prepare(
    config: StudyConfig,
    progress: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Workload:
    """Load and split the images and fit everything to them.

    Args:
        config: the effective configuration.
        progress: called with (images decoded, images in all).
        note: told what the user should know of how the images are kept.

    Raises:
        ConfigError: for a device that is not there.
        DataError: for images that cannot be read, or too few of them.
    """
    device = _device(config.device)
    precision = resolve_precision(config.precision, device.type)
    data = load_images(
        config.data,
        image_size=config.image_size,
        data_root=config.data_root,
        with_labels=config.uses_labels,
        max_images=config.max_images,
        seed=config.seed,
        max_unreadable_share=config.max_unreadable_share,
        progress=progress,
        cache_dir=config.cache_dir,
        cache_gib=config.cache_gib,
        note=note,
    )
    backbone = backbone_spec(
        _backbone_name(config, device),
        image_size=data.image_size,
        in_channels=data.channels,
        weights=config.weights,
    )
    n_measure, n_probe = planned_sizes(
        len(data),
        minimum_measure=get_measure(config.objective).minimum_samples(backbone.dim),
        minimum_train=_MIN_STEPS_PER_EPOCH * config.batch_size,
        with_probe=config.uses_labels,
        max_measure=config.measure_images,
        n_probe=config.probe_images,
        n_labelled=None if data.labels is None else int((data.labels >= 0).sum()),
    )
    split = split_images(
        len(data), labels=data.labels, n_measure=n_measure, n_probe=n_probe, seed=config.seed
    )
    train = Selection(data.images, split.train)
    normalisation = Normalisation.of(train)
    views = _views(config, data.image_size)
    space = _space(config, data.image_size, len(train))
    _check_local_views(backbone, views, space)
    gauge = Gauge(
        images=data.images.read(split.measure),
        normalisation=normalisation,
        recipe=views.global_view,
        n_views=config.lidar_views,
        seed=config.seed,
        device=device,
        centred=_has_no_projector(config, backbone, space),
        both_layers=config.both_layers,
    )
    return Workload(
        config=config,
        device=device,
        backbone=backbone,
        space=space,
        views=views,
        train=train,
        normalisation=normalisation,
        gauge=gauge,
        precision=precision,
        probe=_probe_images(data, split.probe),
        n_skipped=len(data.skipped),
        identity=_identity(config, data, backbone, views, gauge) | {"precision": precision},
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


def _views(config: StudyConfig, image_size: int) -> ViewPlan:
    """The views: digits are never mirrored, because a mirrored 2 is no digit."""
    defaults = {"hf_prob": 0.0} if config.data == "digits" else {}
    given = config.views.model_dump(exclude_none=True)
    return ViewPlan.for_size(image_size).changed({**defaults, **given})


def _space(config: StudyConfig, image_size: int, n_train: int) -> SearchSpace:
    """The space fitted to the images: crops of tiny ones show too little to be recognised."""
    space = config.search_space().for_images(n_train)
    asked_for = "n_local" in {*config.fix, *config.space, *config.search}
    if "n_local" in space.fixed and image_size < _SMALL_CROPS_FROM_SIZE and not asked_for:
        return space.freeze({"n_local": 0})
    return space


def _check_local_views(spec: BackboneSpec, views: ViewPlan, space: SearchSpace) -> None:
    """Refuse a backbone that cannot take a method's small crops, before anything is trained."""
    size = views.local_view.size
    searched = "n_local" in space.dimensions
    if size is None or not (searched or space.fixed.get("n_local", 0)):
        return
    try:
        with torch.no_grad():
            build_backbone(spec).eval()(torch.zeros(2, spec.in_channels, size, size))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"backbone: {spec.name} cannot take the local views, {size} pixels a side ({error}). "
            "Give --view local_size=SIZE, --fix n_local=0, or another backbone."
        ) from error


def _has_no_projector(config: StudyConfig, spec: BackboneSpec, space: SearchSpace) -> bool:
    """Whether all there is to measure are features; builds the learner, which checks it too."""
    if find_method(config.method).takes == "dim":
        return False
    start = {**space.defaults, **space.fixed}
    own = {n: v for n, v in start.items() if n not in _OPTIMIZER and n not in _VIEWS}
    learner = build_learner(config.method, build_backbone(spec), spec.dim, **own)
    return isinstance(projector_of(learner), nn.Identity)


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
    return LabelledImages(data.images.read(positions), labels, n_classes)


def _identity(
    config: StudyConfig,
    data: ImageSet,
    backbone: BackboneSpec,
    views: ViewPlan,
    gauge: Gauge,
) -> dict[str, Any]:
    """What must be the same for two runs to be one study; resolved values, not "auto"."""
    plain = config.model_dump(mode="json", exclude=set(CHANGEABLE) | {"views", "image_size"})
    return {
        **plain,
        "backbone": backbone.name,
        "own_code": {
            name: digest
            for name in (config.method, config.backbone)
            if (digest := file_digest(name)) is not None
        },
        "weights": None if backbone.weights is None else str(backbone.weights),
        "image_size": data.image_size,
        "images": f"{len(data)} images, sha256 {data.fingerprint[:12]}",
        "views": asdict(views),
        "measured_as": gauge.record_digest(),
    }
