"""A module of the user's own is taken as it is, or refused before anything is trained."""

import re
from pathlib import Path

import pytest
import torch

from hpo.backbones import backbone_spec, build_backbone
from hpo.errors import ConfigError

FILE = Path(__file__).parent / "nets.py"


@pytest.mark.parametrize(
    ("name", "dim"), [("Tiny", 32), ("linear", 5), ("anything", 5), ("Tied", 16)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_told_what_it_takes_and_measured(name: str, dim: int, channels: int) -> None:
    spec = backbone_spec(f"{FILE}:{name}", image_size=16, in_channels=channels)
    assert spec.dim == dim
    assert build_backbone(spec)(torch.rand(3, channels, 16, 16)).shape == (3, dim)


def test_a_module_of_a_package_will_do() -> None:
    spec = backbone_spec("tests.hpo.backbones.nets:Tiny", image_size=16, in_channels=1)
    assert spec.dim == 32
    assert type(build_backbone(spec)).__name__ == "Tiny"


def test_a_relative_file_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FILE.parent)
    spec = backbone_spec("nets.py:Tiny", image_size=16, in_channels=1)
    assert spec.name == "nets.py:Tiny"
    monkeypatch.chdir(tmp_path)
    assert type(build_backbone(spec)).__name__ == "Tiny"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unpooled", "of shape (2, 8, 14, 14) for images (2, 1, 16, 16); wanted floating-point"),
        ("Counting", "returned torch.int64 of shape (2, 256)"),
        ("Merging", "of shape (1, 256)"),
        ("Listing", "returned a list for images (2, 1, 16, 16); wanted one tensor"),
        ("greedy", "failed with TypeError: greedy() missing 1 required keyword-only argument"),
        ("nothing", "returned a NoneType; wanted a torch module"),
        ("NUMBER", "is a int; wanted a function or class"),
        ("MADE", "is a Identity; wanted a function or class that makes a new torch module"),
        ("linaer", "Did you mean 'linear'?"),
    ],
)  # fmt: skip
def test_what_is_no_backbone_is_refused_with_what_it_did(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"backbone: .*{re.escape(message)}"):
        backbone_spec(f"{FILE}:{name}", image_size=16, in_channels=1)


def test_a_layout_that_it_cannot_take_is_noticed_before_training() -> None:
    with pytest.raises(ConfigError, match=r"in torch.channels_last and failed with RuntimeError"):
        backbone_spec(f"{FILE}:Rigid", image_size=16, in_channels=3)
