"""Any classifier of torchvision's as it is published, as `torchvision:NAME`, without its head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import nn

from hpo.backbones import BackboneSpec
from hpo.backbones.features import fresh, measured_dim
from hpo.errors import ConfigError
from hpo.suggestion import suggestion

PREFIX = "torchvision:"
_HEADS = ("fc", "classifier", "heads", "head")


@dataclass(frozen=True, kw_only=True)
class TorchvisionSpec(BackboneSpec):
    """A classifier of torchvision's: the ordinary stem, for colour images.

    What the last linear layer is given are the features.
    """

    family: ClassVar[str] = "torchvision"

    def build(self) -> nn.Module:
        """Build it with `torchvision.models.get_model`; nothing is downloaded.

        Raises:
            ConfigError: when it has no linear classifier to take off.
        """
        from torchvision.models import get_model

        model = self.name.removeprefix(PREFIX)
        # Only its vision transformers are made for one image size.
        options: dict[str, Any] = {"image_size": self.image_size} if "vit_" in model else {}
        net: nn.Module = get_model(model, weights=None, **options)
        linear = [
            name
            for name, module in net.named_modules()
            if isinstance(module, nn.Linear) and name.partition(".")[0] in _HEADS
        ]
        if not linear:
            raise ConfigError(
                f"architecture: {self.name} has no linear classifier to take off. Give "
                "FILE.py:NAME of a function that returns the network without its head."
            )
        parent, _, last = linear[-1].rpartition(".")
        setattr(net.get_submodule(parent), last, nn.Identity())
        return net


def torchvision_spec(name: str, *, image_size: int, in_channels: int) -> TorchvisionSpec:
    """Describe a classifier of torchvision's, having built it once.

    Args:
        name: `torchvision:` and a name of `torchvision.models.list_models()`.
        image_size: side of the square input, pixels.
        in_channels: 3; torchvision's networks take colour images.

    Raises:
        ConfigError: when there is no such classifier, it takes no such images, or has no head to
            take off.

    >>> torchvision_spec("torchvision:resnet18", image_size=32, in_channels=3).dim
    512
    """
    from torchvision import models

    known = models.list_models(module=models)  # classifiers alone: others fetch weights
    model = name.removeprefix(PREFIX)
    if model not in known:
        raise ConfigError(
            f"architecture: got {name!r}, which torchvision does not have. "
            f"{suggestion(model, known)}"
        )
    if in_channels != 3:
        raise ConfigError(f"architecture: {name} takes colour images, {in_channels} channel asked.")
    spec = TorchvisionSpec(name=name, dim=0, in_channels=in_channels, image_size=image_size)
    return replace(spec, dim=measured_dim(fresh(spec.build, name), spec))
