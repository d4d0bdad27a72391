"""The chosen backbone on disk: safetensors of the backbone alone, and a small card as JSON."""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hpo.backbones import BackboneSpec
from hpo.backbones.chosen import CARD_NAME, WEIGHTS_NAME
from hpo.errors import StorageError
from hpo.goldilocks import Choice
from hpo.record import TrialRow
from hpo.workload import Workload

__all__ = ["CARD_NAME", "WEIGHTS_NAME", "card_of", "export_backbone"]


def export_backbone(
    folder: Path, workload: Workload, row: TrialRow, choice: Choice, weights: dict[str, Tensor]
) -> None:
    """Write weights and card; a failure leaves the ones of before.

    `hpo.backbones.load_chosen` reads them.

    Args:
        folder: where; made when missing.
        workload: what the backbone was trained on.
        row: the chosen trial.
        choice: why it was chosen.
        weights: of the backbone, by its own names, which are torchvision's for torchvision's.

    Raises:
        StorageError: when they cannot be written.
    """
    from safetensors.torch import save

    # Apart from each other and in the usual order, as safetensors wants them: tied weights share
    # memory, and convolutions were trained in another order.
    plain = {n: w.clone(memory_format=torch.contiguous_format) for n, w in weights.items()}
    content = save(plain)
    card = card_of(workload, row, choice)
    card["weights"] = {"file": WEIGHTS_NAME, "sha256": hashlib.sha256(content).hexdigest()}
    text = json.dumps(_no_nan(card), indent=2, ensure_ascii=False, allow_nan=False)
    files = {WEIGHTS_NAME: content, CARD_NAME: text.encode()}
    partials = {name: folder / f"{name}.partial" for name in files}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            partials[name].write_bytes(data)
        # Both are on the disk before either takes its place, so that they always belong together.
        for name, partial in partials.items():
            partial.replace(folder / name)
    except OSError as error:
        for partial in partials.values():
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        raise StorageError(
            f"{folder}: the chosen backbone could not be written ({error}). Free disk space, then "
            "give the same command again: nothing is trained anew."
        ) from error


def card_of(workload: Workload, row: TrialRow, choice: Choice) -> dict[str, Any]:
    """Return all that is needed to rebuild the backbone, feed it images and know its origin."""
    config = workload.config
    return {
        "format": 1,
        "architecture": workload.backbone.as_dict(),
        "features": workload.backbone.dim,
        "input": {
            "size": workload.gauge.images.shape[-1],
            "channels": workload.backbone.in_channels,
            "mean": list(workload.normalisation.mean),
            "std": list(workload.normalisation.std),
        },
        "method": config.method,
        "hyperparameters": dict(row.hyperparameters),
        "trained": {"epochs": row.epoch, "of": config.epochs, "images": len(workload.train)},
        "measures": dict(row.values),
        "measured_as": workload.gauge.record(),
        "chosen": {"trial": choice.number, "reason": choice.reason, "objective": config.objective},
        "probe": dict(row.probe),
        "made_with": {name: version(name) for name in _made_with(workload.backbone)},
    }


def _made_with(backbone: BackboneSpec) -> list[str]:
    """What the features depend on."""
    common = ["goldilocks-hpo", "torch", "torchvision", "lightly"]
    return [*common, "timm"] if backbone.family == "timm" else common


def _no_nan(value: Any) -> Any:
    """JSON has no nan: an undefined measure is null."""
    if isinstance(value, dict):
        return {key: _no_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_no_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
