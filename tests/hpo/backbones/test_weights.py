"""Weights from a file: taken whole, or refused with what does not fit."""

import hashlib
import re
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from hpo.backbones import backbone_spec, build_backbone
from hpo.backbones.sized_vit import resized_positions
from hpo.backbones.weights import WeightsFile, load_weights
from hpo.errors import ConfigError

NETS = Path(__file__).parent / "nets.py"


def state(name: str = "resnet10_narrow", size: int = 16, channels: int = 1) -> dict[str, Tensor]:
    torch.manual_seed(1)
    net = build_backbone(backbone_spec(name, image_size=size, in_channels=channels))
    net.train()(torch.rand(4, channels, size, size))
    return dict(net.state_dict())


def started(path: Path, name: str = "resnet10_narrow", size: int = 16, channels: int = 1) -> Any:
    spec = backbone_spec(name, image_size=size, in_channels=channels, weights=path)
    torch.manual_seed(2)
    return build_backbone(spec)


def same(net: nn.Module, expected: dict[str, Tensor]) -> bool:
    found = net.state_dict()
    return set(found) == set(expected) and all(torch.equal(found[n], expected[n]) for n in found)


def test_all_three_kinds_of_file_give_the_same_weights(tmp_path: Path) -> None:
    given = state()
    save_file(given, tmp_path / "a.safetensors")
    torch.save(given, tmp_path / "a.pt")
    torch.save({"state_dict": given, "epoch": 3}, tmp_path / "a.pth")
    for name in ("a.safetensors", "a.pt", "a.pth"):
        assert same(started(tmp_path / name), given)


@pytest.mark.parametrize(
    "prefix", ["backbone.", "module.", "module.backbone.", "model.", "encoder.", "_orig_mod."]
)
def test_a_prefix_is_taken_off_and_what_lacks_it_is_left_out(tmp_path: Path, prefix: str) -> None:
    given = state()
    whole = {f"{prefix}{n}": value for n, value in given.items()}
    torch.save({**whole, "projector.weight": torch.rand(3)}, tmp_path / "a.pt")
    assert same(started(tmp_path / "a.pt"), given)


def test_a_vision_transformers_own_prefix_is_not_taken_off(tmp_path: Path) -> None:
    given = state("vit_tiny")
    torch.save(given, tmp_path / "a.pt")
    assert same(started(tmp_path / "a.pt", "vit_tiny"), given)


def test_plain_torchvisions_weights_fit_once_their_stem_does(tmp_path: Path) -> None:
    torch.manual_seed(3)
    theirs = torchvision.models.resnet18()
    theirs.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    expected = {n: v for n, v in theirs.state_dict().items() if not n.startswith("fc.")}
    assert same(started(tmp_path / "a.pth", "resnet18", channels=3), expected)


def test_another_stem_is_refused_with_both_shapes_and_the_way_out(tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "a.pth")
    message = "conv1.weight: got (64, 3, 7, 7), wanted (64, 3, 3, 3). The stem differs"
    with pytest.raises(ConfigError, match=re.escape(message) + ".*timm:NAME"):
        started(tmp_path / "a.pth", "resnet18", channels=3)


def test_ordinary_weights_fit_timms_network_of_the_ordinary_stem(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    theirs = torchvision.models.resnet18().state_dict()
    torch.save(theirs, tmp_path / "a.pth")
    expected = {n: v for n, v in theirs.items() if not n.startswith("fc.")}
    assert same(started(tmp_path / "a.pth", "timm:resnet18", 32, 3), expected)


def test_a_vision_transformer_of_another_size_gets_its_positions_interpolated(
    tmp_path: Path,
) -> None:
    torch.manual_seed(3)
    theirs = VisionTransformer(32, 4, 6, 3, 192, 768)
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    net = started(tmp_path / "a.pth", "vit_tiny", 16, 3)
    with torch.no_grad():
        positions = theirs.encoder.pos_embedding
        assert torch.equal(net.encoder.pos_embedding, resized_positions(positions, (4, 4)))
        assert torch.equal(net.class_token, theirs.class_token)
        theirs.heads = nn.Identity()
        same_size = started(tmp_path / "a.pth", "vit_tiny", 32, 3).eval()
        images = torch.rand(2, 3, 32, 32)
        assert torch.equal(same_size(images), theirs.eval()(images))


def test_a_users_classifier_of_that_name_is_kept(tmp_path: Path) -> None:
    """Only a classifier that the backbone lacks is left out."""
    spec = backbone_spec(f"{NETS}:Headed", image_size=16, in_channels=1)
    given = build_backbone(spec).state_dict()
    assert "fc.weight" in given
    torch.save(given, tmp_path / "a.pt")
    assert same(started(tmp_path / "a.pt", f"{NETS}:Headed"), dict(given))


def test_weights_from_before_batch_norm_counted_will_do(tmp_path: Path) -> None:
    given = {n: v for n, v in state().items() if not n.endswith("num_batches_tracked")}
    torch.save(given, tmp_path / "a.pt")
    found = started(tmp_path / "a.pt").state_dict()
    assert all(torch.equal(found[name], given[name]) for name in given)


def test_a_checkpoint_of_lightning_is_taken_apart(tmp_path: Path) -> None:
    """As a Trainer writes it: the state dict among counters, hyperparameters and optimizers."""
    given = state()
    heads = {"projection_head.weight": torch.rand(3)}
    whole = {f"backbone.{n}": value for n, value in given.items()} | heads
    optimizer = {"state": {0: {"exp_avg": torch.rand(3)}}, "param_groups": [{"lr": 0.1}]}
    torch.save(
        {"epoch": 3, "state_dict": whole, "optimizer_states": [optimizer], "hparams": Namespace()},
        tmp_path / "a.ckpt",
    )
    assert same(started(tmp_path / "a.ckpt"), given)


def test_children_named_by_position_are_known(tmp_path: Path) -> None:
    """As Lightly's examples build a backbone: `nn.Sequential(*list(resnet.children())[:-1])`."""
    torch.manual_seed(1)
    net = build_backbone(backbone_spec("resnet10_narrow", image_size=16, in_channels=1))
    sequential = nn.Sequential(*list(net.children())[:-1])
    assert "0.weight" in sequential.state_dict()
    torch.save({f"backbone.{n}": v for n, v in sequential.state_dict().items()}, tmp_path / "a.pt")
    assert same(started(tmp_path / "a.pt"), dict(net.state_dict()))


def test_of_two_networks_the_one_that_is_used_is_taken_and_the_other_can_be_asked_for(
    tmp_path: Path,
) -> None:
    given = state()
    other = {n: value + 1 for n, value in given.items()}
    file = tmp_path / "a.pt"
    for first, second in (("backbone_momentum.", "backbone."), ("student.net.", "teacher.net.")):
        torch.save(
            {first + n: v for n, v in other.items()} | {second + n: v for n, v in given.items()},
            file,
        )
        assert same(started(file), given)
        net = build_backbone(backbone_spec("resnet10_narrow", image_size=16, in_channels=1))
        loaded = load_weights(net, WeightsFile.of(file))
        assert any(first in note for note in loaded.notes())
        load_weights(net, WeightsFile.of(file), prefix=first)
        assert same(net, other)
        with pytest.raises(ConfigError, match=r"prefix: got 'encoder'.*nothing fits; wanted one"):
            load_weights(net, WeightsFile.of(file), prefix="encoder")


def test_weights_that_fit_in_part_are_taken_only_when_allowed_and_named(tmp_path: Path) -> None:
    given = {n: v for n, v in state().items() if not n.startswith("layer4")}
    torch.save({**given, "bn1.weight": torch.ones(32), "extra.bias": torch.ones(1)}, tmp_path / "a")
    file = tmp_path / "a.pt"
    (tmp_path / "a").rename(file)
    net = build_backbone(backbone_spec("resnet10_narrow", image_size=16, in_channels=1))
    fresh = {n: v.clone() for n, v in net.state_dict().items()}
    with pytest.raises(ConfigError, match=r"Missing: layer4.* Unexpected: extra.bias"):
        load_weights(net, WeightsFile.of(file))
    loaded = load_weights(net, WeightsFile.of(file), allow_partial=True)
    assert "bn1.weight" in loaded.missing
    assert loaded.unexpected == ("extra.bias",)
    found = net.state_dict()
    assert torch.equal(found["conv1.weight"], given["conv1.weight"])
    assert torch.equal(found["layer4.0.conv1.weight"], fresh["layer4.0.conv1.weight"])
    torch.save({"other": torch.ones(1)}, file)
    with pytest.raises(ConfigError, match="is of another network"):
        load_weights(net, WeightsFile.of(file), allow_partial=True)


# Refused


def test_another_network_is_refused_with_the_first_names(tmp_path: Path) -> None:
    torch.save(state("resnet18_narrow"), tmp_path / "a.pt")
    with pytest.raises(
        ConfigError, match=r"Missing: none. Unexpected: layer1.1.conv1.weight, .* more"
    ):
        started(tmp_path / "a.pt")
    torch.save(state(), tmp_path / "a.pt")
    with pytest.raises(ConfigError, match=r"Missing: layer1.1.conv1.weight, .* Unexpected: none"):
        started(tmp_path / "a.pt", "resnet18_narrow")


def test_other_shapes_are_refused_without_the_hint_about_stems(tmp_path: Path) -> None:
    given = state()
    given["bn1.weight"] = torch.ones(32)
    torch.save(given, tmp_path / "a.pt")
    with pytest.raises(ConfigError, match=r"bn1.weight: got \(32,\), wanted \(16,\)\.$"):
        started(tmp_path / "a.pt")


class Code:
    """What a pickle could run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("run!",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3, "lr": 0.1}, "no tensors under epoch, lr"),
        ([torch.ones(1)], "holds a list"),
        ({}, "without names"),
        (
            Code(),
            r"holds a print beside them\). Code in it is never run, .* convert it once",
        ),
        (None, "holds a NoneType"),
    ],
)
def test_what_is_no_state_dict_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: object, message: str
) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ConfigError, match=f"cannot be read as tensors by name.*{message}"):
        started(tmp_path / "a.pt")
    assert "run!" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match=r"weights: .*cannot be read as tensors by name"):
        started(tmp_path / name)


def test_a_file_that_is_not_there_or_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"weights: .*a.pt cannot be read"):
        started(tmp_path / "a.pt")
    with pytest.raises(ConfigError, match=r"weights: got .*a.onnx; wanted a file ending in"):
        started(tmp_path / "a.onnx")


def test_a_file_that_changed_since_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save(state(), path)
    spec = backbone_spec("resnet10_narrow", image_size=16, in_channels=1, weights=path)
    assert spec.weights is not None
    assert spec.weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert str(spec.weights) == f"{path}, sha256 {spec.weights.sha256[:12]}"
    torch.save(state(size=24), path)
    with pytest.raises(ConfigError, match="is not what it was when the study began"):
        build_backbone(spec)


def test_the_folder_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(state(), tmp_path / "a.pt")
    monkeypatch.chdir(tmp_path)
    spec = backbone_spec("resnet10_narrow", image_size=16, in_channels=1, weights=Path("a.pt"))
    monkeypatch.chdir("/")
    assert same(build_backbone(spec), state())
