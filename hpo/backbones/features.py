"""What an unknown network makes of two images, found out before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from hpo.backbones.spec import BackboneSpec
from hpo.errors import ConfigError, GoldilocksError


def fresh(build: Callable[[], nn.Module], name: str) -> nn.Module:
    """Build a network as a trial would, without touching torch's generator.

    Args:
        build: returns it.
        name: of the backbone, for messages.

    Raises:
        ConfigError: when building fails.
    """
    with torch.random.fork_rng(devices=[]):
        try:
            return build()
        except GoldilocksError:
            raise
        except Exception as error:
            raise ConfigError(
                f"backbone: building {name!r} failed with {type(error).__name__}: {error}"
            ) from error


def measured_dim(net: nn.Module, spec: BackboneSpec) -> int:
    """Send two images through a network as training does, and return the features' width.

    Args:
        net: the network; left in evaluation mode.
        spec: what it was built from; its width is not looked at.

    Raises:
        ConfigError: when it fails, or returns anything but floating-point features (2, d).
    """
    name, shape = spec.name, (2, spec.in_channels, spec.image_size, spec.image_size)
    # As training sends them: a `view` that wants another layout must fail here, not there.
    images = torch.linspace(-1, 1, math.prod(shape)).view(shape)
    images = images.contiguous(memory_format=torch.channels_last)
    try:
        net = net.eval().to(memory_format=torch.channels_last)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            features = net(images)
    except Exception as error:
        raise ConfigError(
            f"backbone: {name!r} got images {shape} in torch.channels_last and failed with "
            f"{type(error).__name__}: {error}. Wanted features (2, d)."
        ) from error
    if not isinstance(features, Tensor):
        raise ConfigError(
            f"backbone: {name!r} returned a {type(features).__name__} for images {shape}; wanted "
            "one tensor of features (2, d)."
        )
    if features.ndim != 2 or len(features) != 2 or not features.is_floating_point():
        raise ConfigError(
            f"backbone: {name!r} returned {features.dtype} of shape {tuple(features.shape)} for "
            f"images {shape}; wanted floating-point features (2, d). Pool and flatten what comes "
            "out last."
        )
    return features.shape[1]
