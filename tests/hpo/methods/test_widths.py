"""How wide the heads are, by rule and by wish."""

import pytest
from torch import nn

from hpo.errors import ConfigError
from hpo.methods import build_method

# Width of z for 128 and for 2048 features: the papers' for wide backbones, never above 2048.
WIDTHS = {
    "barlow_twins": (512, 2048),
    "byol": (256, 256),
    "fastsiam": (512, 2048),
    "frossl": (512, 2048),
    "lejepa": (64, 64),
    "mmcr": (128, 512),
    "simsiam": (512, 2048),
    "tico": (256, 256),
    "vicreg": (512, 2048),
    "visreg": (256, 256),
}


def width_of_z(projector: nn.Module) -> int:
    return [layer for layer in projector.modules() if isinstance(layer, nn.Linear)][-1].out_features


@pytest.mark.parametrize("name", WIDTHS)
def test_the_width_of_z_follows_the_backbone_or_the_user(name: str) -> None:
    assert [width_of_z(build_method(name, dim).projector) for dim in (128, 2048)] == [*WIDTHS[name]]
    assert width_of_z(build_method(name, 128, projector_width=48).projector) == 48


@pytest.mark.parametrize("name", [*WIDTHS, "dino"])
@pytest.mark.parametrize("width", [1, 64.0, "wide", True])
def test_a_width_that_is_none_is_refused(name: str, width: object) -> None:
    with pytest.raises(ConfigError, match=f"projector_width: got {width!r}; wanted 'auto' or a"):
        build_method(name, 128, projector_width=width)
