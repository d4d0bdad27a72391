"""Checkpoints of others become the networks that they were, computing what they did."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hpo.embedding import Normalisation
from hpo.errors import ConfigError, StorageError
from hpo.rank.candidate import Candidate, LoadOptions, load_candidate, untrained
from hpo.rank.fitted_input import IMAGENET
from hpo.rank.origin import origin_of
from tests.hpo.rank.checkpoints import torchvision_file, trained_by_lightning

COLOUR = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)


def loaded(text: str, images: Tensor = COLOUR, **options: object) -> Candidate:
    return load_candidate(origin_of(text), images, LoadOptions(**options))  # type: ignore[arg-type]


def features(net: nn.Module, pixels: Tensor = COLOUR) -> Tensor:
    with torch.no_grad():
        return net(pixels.float() / 255.0).flatten(1)


def same(candidate: Candidate, net: nn.Module) -> bool:
    normalised = IMAGENET(COLOUR.float() / 255.0)
    with torch.no_grad():
        return torch.allclose(features(candidate.network), net(normalised).flatten(1), atol=1e-5)


@pytest.fixture(scope="module")
def lightning(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Module]:
    path = tmp_path_factory.mktemp("lightning") / "last.ckpt"
    return path, trained_by_lightning(path).backbone


@pytest.mark.parametrize("architecture", ["torchvision:resnet18", "timm:resnet18"])
def test_a_checkpoint_of_a_trainer_is_the_backbone_in_it(
    lightning: tuple[Path, nn.Module], architecture: str
) -> None:
    if architecture.startswith("timm"):
        pytest.importorskip("timm")
    path, backbone = lightning
    found = loaded(f"{path}@{architecture}")
    assert same(found, backbone)
    assert found.spec.dim == 512
    assert found.normalised == "imagenet"
    assert found.notes == (
        "weights taken: state_dict.backbone.*, whose children are named by position",
    )


def test_torchvisions_own_file_loses_its_classifier(tmp_path: Path) -> None:
    net = torchvision_file(tmp_path / "a.pth")
    found = loaded(f"{tmp_path / 'a.pth'}@torchvision:resnet18")
    assert same(found, net)
    assert found.notes == ()


def test_timms_safetensors_are_read(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    net = timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=0).eval()
    save_file(net.state_dict(), tmp_path / "a.safetensors")
    found = loaded(f"{tmp_path / 'a.safetensors'}@timm:vit_tiny_patch16_224")
    assert same(found, net)
    assert found.spec.dim == 192


def test_weights_for_colour_see_grey_images_three_times(tmp_path: Path) -> None:
    net = torchvision_file(tmp_path / "a.pth")
    grey = COLOUR[:, :1]
    found = loaded(f"{tmp_path / 'a.pth'}@timm:resnet18", grey)
    assert found.network.channels == 3
    with torch.no_grad():
        expected = net(IMAGENET(grey.expand(-1, 3, -1, -1).float() / 255.0))
    assert torch.allclose(features(found.network, grey), expected, atol=1e-5)


def test_the_normalisation_can_be_given(tmp_path: Path) -> None:
    net = torchvision_file(tmp_path / "a.pth")
    given = Normalisation((0.5,), (0.25,))
    found = loaded(f"{tmp_path / 'a.pth'}@torchvision:resnet18", normalize=given)
    with torch.no_grad():
        expected = net((COLOUR.float() / 255.0 - 0.5) / 0.25)
    assert torch.allclose(features(found.network), expected, atol=1e-5)
    assert found.normalised == "given"


def test_a_fresh_network_of_the_same_kind_is_the_same_each_time(tmp_path: Path) -> None:
    torchvision_file(tmp_path / "a.pth")
    found = loaded(f"{tmp_path / 'a.pth'}@torchvision:resnet18")
    before = torch.get_rng_state()
    fresh, again = (features(untrained(found, 3)) for _ in range(2))
    assert torch.equal(fresh, again)
    assert not torch.equal(fresh, features(untrained(found, 4)))
    assert not torch.allclose(fresh, features(found.network))
    assert torch.equal(torch.get_rng_state(), before)


# Refused


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    torchvision_file(tmp_path / "a.pth")
    content = (tmp_path / "a.pth").read_bytes()
    (tmp_path / "a.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match="cannot be read as tensors by name") as caught:
        loaded(f"{tmp_path / 'a.pth'}@torchvision:resnet18")
    assert "weights_only" not in str(caught.value)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torchvision_file(tmp_path / "a.pth")
    with pytest.raises(ConfigError, match=r"is of another network. Missing: layer1.2"):
        loaded(f"{tmp_path / 'a.pth'}@torchvision:resnet34")
    partial = loaded(f"{tmp_path / 'a.pth'}@torchvision:resnet34", allow_partial=True)
    assert re.match(r"missing, so left untrained: layer1\.2.* and \d+ more", partial.notes[0])


def test_our_stem_for_small_images_does_not_take_an_ordinary_one(tmp_path: Path) -> None:
    torchvision_file(tmp_path / "a.pth")
    with pytest.raises(ConfigError, match="The stem differs"):
        loaded(f"{tmp_path / 'a.pth'}@resnet18")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timm:resnet18", "names an architecture without weights; wanted FILE@timm:resnet18"),
        ("nowhere.pt", "there is no file or folder nowhere.pt"),
        ("{folder}", "is a folder without a chosen backbone"),
        ("{folder}/a.pth", "nothing says what network these weights are of. Give .*@ARCHITECTURE"),
        ("{folder}@timm:resnet18", "is a folder; wanted a file of weights before the @"),
        ("{folder}/a.pth@torchvision:resnet19", "Did you mean 'resnet1"),
        ("{folder}/a.pth@torchvision:squeezenet1_0", "has no linear classifier to take off"),
        ("{folder}/a.pth@resnet19", "is not a known backbone"),
    ],
)
def test_what_names_no_backbone_is_refused(tmp_path: Path, text: str, message: str) -> None:
    torchvision_file(tmp_path / "a.pth")
    with pytest.raises(ConfigError, match=message):
        loaded(text.format(folder=tmp_path))


def test_a_damaged_card_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{")
    with pytest.raises(StorageError, match="cannot be read as the card"):
        loaded(str(tmp_path))


def test_a_path_with_an_at_in_it_is_a_path(tmp_path: Path) -> None:
    net = torchvision_file(tmp_path / "a@b.pth")
    origin = origin_of(str(tmp_path / "a@b.pth"), "torchvision:resnet18")
    assert same(load_candidate(origin, COLOUR, LoadOptions()), net)
    assert same(loaded(f"{tmp_path / 'a@b.pth'}@torchvision:resnet18"), net)
