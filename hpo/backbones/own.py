"""A backbone of the user's own, as `FILE.py:NAME` or `package.module:NAME`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from torch import nn

from hpo.backbones.features import fresh, measured_dim
from hpo.backbones.spec import BackboneSpec
from hpo.errors import ConfigError
from hpo.named_object import load_object


@dataclass(frozen=True, kw_only=True)
class OwnSpec(BackboneSpec):
    """A module that a function or class of the user's makes.

    Args:
        maker: the name with its file's whole path, so that it is found from any folder.
    """

    family: ClassVar[str] = "own"

    maker: str

    def build(self) -> nn.Module:
        """Call the maker with `in_channels` and `image_size`, as far as it takes them.

        Raises:
            ConfigError: when there is no such function, or it returns no module.
        """
        make = load_object(self.maker, argument="backbone")
        if not callable(make) or isinstance(make, nn.Module):
            # One module would go from trial to trial and carry its weights along.
            raise ConfigError(
                f"backbone: {self.name!r} is a {type(make).__name__}; wanted a function or class "
                "that makes a new torch module at each call."
            )
        offered = {"in_channels": self.in_channels, "image_size": self.image_size}
        net = make(**{key: v for key, v in offered.items() if _takes(make, key)})
        if not isinstance(net, nn.Module):
            raise ConfigError(
                f"backbone: {self.name!r} returned a {type(net).__name__}; wanted a torch module."
            )
        return net


def _takes(make: Callable[..., object], name: str) -> bool:
    if getattr(make, "__init__", None) is nn.Module.__init__:
        return False  # a class without its own: torch's says that it takes all, and refuses all
    parameters = inspect.signature(make).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def own_spec(name: str, *, image_size: int, in_channels: int) -> OwnSpec:
    """Describe a backbone of the user's, having built it once.

    Args:
        name: `FILE.py:NAME`, relative to the working directory, or `package.module:NAME`; what it
            names is called with `in_channels=` and `image_size=` if it takes them.
        image_size: side of the square input, pixels.
        in_channels: 1 or 3.

    Raises:
        ConfigError: when there is no such function, it fails, or what it returns does not turn
            images (n, in_channels, image_size, image_size) into features (n, d).
    """
    place, _, attribute = name.rpartition(":")
    if place.endswith(".py"):
        place = str(Path(place).expanduser().resolve())
    spec = OwnSpec(
        name=name,
        dim=0,
        in_channels=in_channels,
        image_size=image_size,
        maker=f"{place}:{attribute}",
    )
    return replace(spec, dim=measured_dim(fresh(spec.build, name), spec))
