"""What a study chose comes back from its folder as it was."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from hpo.backbones import backbone_spec, build_backbone, load_chosen, spec_from
from hpo.backbones.chosen import CARD_NAME, WEIGHTS_NAME, ChosenFiles, load_backbone
from hpo.errors import ConfigError, StorageError

NETS = Path(__file__).parent / "nets.py"


def chosen(folder: Path, name: str, weights: Path | None = None) -> nn.Module:
    """Write what the export writes, as far as loading needs it."""
    spec = backbone_spec(name, image_size=32, in_channels=1, weights=weights)
    torch.manual_seed(3)
    net = build_backbone(spec)
    net.train()(torch.rand(4, 1, 32, 32))
    save_file(net.state_dict(), folder / WEIGHTS_NAME)
    digest = hashlib.sha256((folder / WEIGHTS_NAME).read_bytes()).hexdigest()
    card = {
        "architecture": spec.as_dict(),
        "input": {"size": 32, "channels": 1, "mean": [0.25], "std": [0.5]},
        "weights": {"file": WEIGHTS_NAME, "sha256": digest},
    }
    (folder / CARD_NAME).write_text(json.dumps(card))
    return net.eval()


@pytest.mark.parametrize(
    "name",
    [
        "resnet10_narrow",
        "resnet50",
        "vit_tiny",
        "timm:test_vit",
        "timm:test_resnet",
        f"{NETS}:Tiny",
    ],
)
def test_it_computes_what_it_did(tmp_path: Path, name: str) -> None:
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    net = chosen(tmp_path, name)
    again = load_chosen(tmp_path)
    assert not again.training
    images = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(again(images), net(images))


def test_the_file_that_training_began_with_is_not_needed(tmp_path: Path) -> None:
    spec = backbone_spec("resnet10_narrow", image_size=32, in_channels=1)
    begun = tmp_path / "begun.safetensors"
    save_file(build_backbone(spec).state_dict(), begun)
    net = chosen(tmp_path, "resnet10_narrow", begun)
    card = json.loads((tmp_path / CARD_NAME).read_text())
    assert card["architecture"]["weights"]["path"] == str(begun)
    assert spec_from(card["architecture"]).weights is None
    begun.unlink()
    again = load_chosen(str(tmp_path)).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in net.state_dict().items())


def test_a_module_of_the_users_own_that_is_gone_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own_nets.py"
    own.write_text(NETS.read_text())
    chosen(tmp_path, f"{own}:Tiny")
    own.unlink()
    with pytest.raises(ConfigError, match=r"there is no file .*own_nets.py"):
        load_chosen(tmp_path)


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    chosen(tmp_path, "resnet10_narrow")
    content = (tmp_path / WEIGHTS_NAME).read_bytes()
    (tmp_path / WEIGHTS_NAME).write_bytes(content[:-4] + b"1234")
    with pytest.raises(StorageError, match=r"is not the file that card.json describes"):
        load_chosen(tmp_path)
    (tmp_path / WEIGHTS_NAME).unlink()
    with pytest.raises(StorageError, match=r"backbone.safetensors: cannot be read"):
        load_chosen(tmp_path)


def test_a_module_whose_code_changed_is_refused(tmp_path: Path) -> None:
    chosen(tmp_path, f"{NETS}:Tiny")
    card = json.loads((tmp_path / CARD_NAME).read_text())
    card["architecture"]["maker"] = f"{NETS}:Headed"
    (tmp_path / CARD_NAME).write_text(json.dumps(card))
    with pytest.raises(StorageError, match="the weights do not fit the backbone"):
        load_chosen(tmp_path)


def test_the_study_its_folder_and_the_file_are_one_backbone(tmp_path: Path) -> None:
    (tmp_path / "chosen").mkdir()
    net = chosen(tmp_path / "chosen", "resnet10_narrow")
    for path in (tmp_path, tmp_path / "chosen", str(tmp_path / "chosen" / WEIGHTS_NAME)):
        backbone = load_backbone(path)
        assert not backbone.training
        assert backbone.card["weights"]["file"] == WEIGHTS_NAME
        images = torch.rand(2, 1, 32, 32)
        with torch.no_grad():
            assert torch.equal(backbone(images), net(images))


def test_its_pictures_are_prepared_as_its_card_says(tmp_path: Path) -> None:
    chosen(tmp_path, "resnet10_narrow")
    backbone = load_backbone(tmp_path)
    Image.new("RGB", (64, 40), (128, 128, 128)).save(tmp_path / "grey.png")
    images = backbone.preprocess([tmp_path / "grey.png", Image.new("L", (32, 32), 255)])
    assert images.shape == (2, 1, 32, 32)
    assert images[0].unique().item() == pytest.approx((128 / 255 - 0.25) / 0.5)
    assert images[1].unique().item() == pytest.approx(1.5)
    assert backbone(images).shape == (2, backbone.dim) == (2, 128)


def test_a_chosen_folder_of_a_study_goes_before_the_one_inside_it(tmp_path: Path) -> None:
    (tmp_path / "chosen").mkdir()
    chosen(tmp_path, "resnet10_narrow")
    assert ChosenFiles.at(tmp_path).card == tmp_path / CARD_NAME


@pytest.mark.parametrize("text", [None, "{", "{}", '{"architecture": {}}', "[]"])
def test_a_folder_without_a_card_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / CARD_NAME).write_text(text)
    why = "is not there: nothing has been chosen yet" if text is None else "cannot be read as the"
    with pytest.raises(StorageError, match=f"card.json: {why}"):
        load_chosen(tmp_path)
