"""Any model of timm will do, and one that is not there is said to be so."""

import sys

import pytest
import torch

from hpo.backbones import backbone_spec, build_backbone
from hpo.backbones.timm_models import timm_spec
from hpo.errors import ConfigError


def test_without_timm_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"pip install 'goldilocks-hpo\[timm\]'"):
        backbone_spec("timm:resnet18", image_size=32, in_channels=1)


@pytest.mark.parametrize(
    ("name", "size", "takes"),
    [
        ("test_vit", 48, (True, True)),  # made for 160
        ("test_maxvit", 64, (True, False)),
        ("test_resnet", 40, (False, False)),
        ("test_convnext", 64, (False, False)),
    ],
)
def test_it_is_made_for_the_image_size(name: str, size: int, takes: tuple[bool, bool]) -> None:
    pytest.importorskip("timm")
    spec = timm_spec(f"timm:{name}", image_size=size, in_channels=1)
    assert (spec.takes_size, spec.takes_any_size) == takes
    net = build_backbone(spec)
    assert net(torch.rand(2, 1, size, size)).shape == (2, spec.dim)


def test_a_vision_transformer_takes_local_crops() -> None:
    pytest.importorskip("timm")
    net = build_backbone(backbone_spec("timm:test_vit", image_size=64, in_channels=1))
    assert net(torch.rand(2, 1, 32, 32)).shape == net(torch.rand(2, 1, 64, 64)).shape


def test_it_is_the_model_that_timm_would_make() -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    mine = build_backbone(backbone_spec("timm:test_resnet", image_size=32, in_channels=3)).eval()
    theirs = timm.create_model("test_resnet", num_classes=0).eval()
    theirs.load_state_dict(mine.state_dict())
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(mine(images), theirs(images))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:resnet_18", "which timm does not have. Did you mean 'timm:resnet18'?"),
        ("timm:qqqqqqqq", "timm.list_models"),
        ("timm:test_maxvit", "failed with"),  # 8 pixels halve away
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused(name: str, message: str) -> None:
    pytest.importorskip("timm")
    with pytest.raises(ConfigError, match=f"backbone: .*{message}"):
        backbone_spec(name, image_size=8, in_channels=1)
