"""A Lightning module as what is measured of it: images to features, features to embeddings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from hpo.errors import ConfigError, DataError

Part: TypeAlias = str | Callable[[Any, Tensor], Tensor]
"""An attribute of the module by its name, or a function of the module and its input."""

BACKBONE, PROJECTOR = "backbone", "projection_head"
"""What Lightly's examples call them."""


@dataclass(frozen=True)
class Network:
    """The two layers that are read of a module.

    Networks are run without autocast, in the numbers their parameters are stored in: bfloat16
    would add directions of rounding noise, and a mixed-precision training keeps its parameters in
    float32.

    Args:
        module: of a training.
        embed: the module and images to features h.
        projector: the module and features to embeddings z; None where there is none.
    """

    module: nn.Module
    embed: Callable[[Any, Tensor], Tensor]
    projector: Callable[[Any, Tensor], Tensor] | None

    @classmethod
    def of(cls, module: nn.Module, embed: Part | None, projector: Part | None) -> Network:
        """Find the layers in a module.

        Args:
            module: of a training.
            embed: None for its `backbone`.
            projector: None for its `projection_head`, if it has one.

        Raises:
            ConfigError: where the module has no such attribute.
        """
        if embed is None and not hasattr(module, BACKBONE):
            raise ConfigError(
                f"embed: got none, and {type(module).__name__} has no attribute {BACKBONE!r} (it "
                f"has {_children(module)}); wanted the name of the attribute that makes features "
                "of images, embed='NAME', or a function of (module, images)."
            )
        if projector is None and hasattr(module, PROJECTOR):
            projector = PROJECTOR
        return cls(
            module,
            _function("embed", module, BACKBONE if embed is None else embed),
            None if projector is None else _function("projector", module, projector),
        )

    def features(self, images: Tensor) -> Tensor:
        """Features of images (n, …): (n, dim), float32 or as wide as the parameters."""
        parameter = next(self.module.parameters())
        if images.is_floating_point():
            images = images.to(parameter.dtype)
        with torch.autocast(parameter.device.type, enabled=False):
            features = self.embed(self.module, images.to(parameter.device))
        return _rows("embed", features, len(images))

    def embeddings(self, features: Tensor) -> Tensor:
        """Embeddings of features (n, dim): (n, projector dim); the features without projector."""
        if self.projector is None:
            return features
        parameter = next(self.module.parameters())
        with torch.autocast(parameter.device.type, enabled=False):
            embeddings = self.projector(self.module, features.to(parameter.dtype))
        return _rows("projector", embeddings, len(features))


def _function(argument: str, module: nn.Module, part: Part) -> Callable[[Any, Tensor], Tensor]:
    if not isinstance(part, str):
        return part
    if not hasattr(module, part):
        raise ConfigError(
            f"{argument}: got {part!r}, which {type(module).__name__} does not have; wanted one of "
            f"{_children(module)}, or a function of the module and its input."
        )
    name = part

    def call(module: Any, inputs: Tensor) -> Tensor:
        result: Tensor = getattr(module, name)(inputs)
        return result

    return call


def _children(module: nn.Module) -> str:
    return ", ".join(name for name, _ in module.named_children()) or "no parts"


def _rows(argument: str, values: Any, n_images: int) -> Tensor:
    if not isinstance(values, Tensor) or values.ndim < 2 or len(values) != n_images:
        shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise DataError(
            f"{argument}: got {shape} for {n_images} images; wanted a tensor (n, dim), a row for "
            "each: pass a function that makes one."
        )
    rows = values.detach().flatten(start_dim=1)
    return rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
