"""The study's images and the chosen backbone's features of them, read again for a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo.errors import ConfigError, GoldilocksError, StudyMismatchError, in_a_line
from hpo.report.webpage.material import Material

if TYPE_CHECKING:
    from torch import Tensor

    from hpo.workload import Workload

_MOST_EMBEDDED = 1024


@dataclass(frozen=True)
class SeenImages:
    """Images with the chosen backbone's features of them.

    Args:
        images: uint8 (n, channels, size, size).
        features: float32 (n, dim).
        labels: int64 (n,); None without labels.
        source: what they are, for people.
    """

    images: Tensor
    features: Tensor
    labels: Tensor | None
    source: str


def workload_of(material: Material) -> Workload:
    """Read a study's images as the study did: same split, same normalisation, same space.

    Raises:
        GoldilocksError: when they cannot be read any more, or are others than they were.
    """
    import torch
    from pydantic import ValidationError

    from hpo.options import StudyConfig
    from hpo.workload import prepare

    given = material.attrs.get("config")
    if given is None:
        raise ConfigError("the study holds no configuration; it was not made by `goldilocks run`")
    known: dict[str, Any] = {k: v for k, v in given.items() if k in StudyConfig.model_fields}
    identity = material.attrs.get("identity", {})
    # "auto" depends on the machine; the study knows what it was.
    known["backbone"] = identity.get("backbone", known.get("backbone", "auto"))
    if known.get("device") == "cuda" and not torch.cuda.is_available():
        known["device"] = "cpu"
    try:
        config = StudyConfig(**known)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}; the study was made by another "
            "version"
        ) from error
    workload = prepare(config)
    if "images" in identity and workload.identity["images"] != identity["images"]:
        raise StudyMismatchError(
            f"{config.data} holds other images than when the study was made "
            f"({workload.identity['images']}; it had {identity['images']})"
        )
    return workload


def read_images(material: Material) -> tuple[Workload | None, str]:
    """Return what `workload_of` does, or None and the reason in one line."""
    try:
        return workload_of(material), ""
    except (GoldilocksError, OSError) as error:
        text = " ".join(str(error).split())
        return None, text or in_a_line(error)


def seen_by_chosen(material: Material, workload: Workload) -> SeenImages:
    """Return images and the chosen backbone's features: the probe's kept ones, or made here.

    Args:
        material: with a chosen trial.
        workload: of the same study.

    Raises:
        GoldilocksError: when no features are kept and the chosen backbone cannot be loaded.
    """
    from hpo.backbones import load_chosen
    from hpo.embedding import embed
    from hpo.prober import feature_cache
    from hpo.probing import trial_backbone

    row = material.chosen
    if row is None:
        raise ConfigError("nothing was chosen")
    labelled = workload.probe
    if labelled is not None:
        cache = feature_cache(material.directory, workload, labelled)
        kept = cache.kept(trial_backbone(row.number, row.epoch))
        if kept is not None:
            source = f"{len(kept)} labelled images that only probes saw"
            return SeenImages(labelled.images, kept, labelled.labels, source)
    images = workload.gauge.images[:_MOST_EMBEDDED]
    backbone = load_chosen(material.directory.chosen).to(workload.device)
    features, _ = embed(backbone, None, images, workload.normalisation, device=workload.device)
    return SeenImages(images, features, None, f"{len(images)} images that only the measures saw")
