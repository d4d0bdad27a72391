"""Any model of timm, as `timm:NAME`, without its classifier."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import nn

from hpo.backbones.features import fresh, measured_dim
from hpo.backbones.spec import BackboneSpec
from hpo.errors import ConfigError

PREFIX = "timm:"


@dataclass(frozen=True, kw_only=True)
class TimmSpec(BackboneSpec):
    """A model of timm's.

    Args:
        takes_size: whether it is made for one image size and is told which.
        takes_any_size: whether it can be told that images of other sizes come too.
    """

    family: ClassVar[str] = "timm"

    takes_size: bool = False
    takes_any_size: bool = False

    def build(self) -> nn.Module:
        """Build it with `timm.create_model`; nothing is downloaded."""
        options: dict[str, Any] = {"num_classes": 0, "in_chans": self.in_channels}
        if self.takes_size:
            options["img_size"] = self.image_size
        if self.takes_any_size:
            options["dynamic_img_size"] = True
        net: nn.Module = _timm().create_model(self.name.removeprefix(PREFIX), **options)
        return net


def timm_spec(name: str, *, image_size: int, in_channels: int) -> TimmSpec:
    """Describe a model of timm's, having built it once.

    Args:
        name: `timm:` and any name of `timm.list_models()`, such as `timm:resnet18` or
            `timm:vit_tiny_patch16_224`.
        image_size: side of the square input, pixels. Models that are made for one size are made
            for this one.
        in_channels: 1 or 3.

    Raises:
        ConfigError: when timm is not installed or has no such model, or the model does not turn
            such images into features.
    """
    timm, model = _timm(), name.removeprefix(PREFIX)
    if not timm.is_model(model):
        near = difflib.get_close_matches(model, timm.list_models(), n=1)
        hint = f"Did you mean 'timm:{near[0]}'?" if near else "timm.list_models() lists all."
        raise ConfigError(f"backbone: got {name!r}, which timm does not have. {hint}")
    # What a model can be told is in its class's signature, and only a model tells its class.
    plain = fresh(lambda: timm.create_model(model), name)
    known = inspect.signature(type(plain).__init__).parameters
    spec = TimmSpec(
        name=name,
        dim=0,
        in_channels=in_channels,
        image_size=image_size,
        takes_size="img_size" in known,
        takes_any_size="dynamic_img_size" in known,
    )
    return replace(spec, dim=measured_dim(fresh(spec.build, name), spec))


def _timm() -> Any:
    try:
        import timm
    except ImportError:
        raise ConfigError(
            "backbone: timm is not installed; give pip install 'goldilocks-hpo[timm]', or one of "
            "the backbones that come along."
        ) from None
    return timm
