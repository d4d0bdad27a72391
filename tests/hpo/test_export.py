"""The chosen backbone on disk: whole, described, and usable without this package."""

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.testing import assert_close

from hpo.backbones import build_backbone, load_chosen
from hpo.config import StudyConfig
from hpo.embedding import calibrate_batch_norm, embed
from hpo.errors import StorageError
from hpo.export import CARD_NAME, WEIGHTS_NAME, card_of, export_backbone
from hpo.goldilocks import Choice
from hpo.record import TrialRow
from hpo.workload import Workload, prepare

# The lines of the README: all that it takes to use a chosen backbone on new pictures.
WITHOUT_THIS_PACKAGE = """
import json
from pathlib import Path

import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch.func import functional_call
from torch.nn import Conv2d, Identity
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.transforms.functional import normalize, to_tensor

card = json.loads(Path("studies/digits/chosen/card.json").read_bytes())
made, given = card["architecture"], card["input"]
net = ResNet(BasicBlock, made["blocks"]).eval()
net.conv1 = Conv2d(given["channels"], made["width"], 3, made["stem_stride"], 1, bias=False)
net.fc, net.maxpool = Identity(), net.maxpool if made["stem_pool"] else Identity()
mode, size = "L" if given["channels"] == 1 else "RGB", (given["size"], given["size"])
pictures = [Image.open(path).convert(mode) for path in sorted(Path("new").glob("*.png"))]
squares = [to_tensor(ImageOps.fit(picture, size, Image.BILINEAR)) for picture in pictures]
images = normalize(torch.stack(squares), given["mean"], given["std"])
features = functional_call(net, load_file("studies/digits/chosen/backbone.safetensors"), images)
"""

CHOICE = Choice(3, "best α of the 2 shortlisted")
ROW = TrialRow(
    number=3,
    state="finished",
    epoch=6,
    objective=41.5,
    values={"rankme": 41.5, "alpha_req": 1.02, "lidar": math.nan, "moved": 0.4},
    reason="",
    train_seconds=1.5,
    measure_seconds=0.5,
    hyperparameters={"lr": 0.01, "weight_decay": 1e-4, "temperature": 0.2},
    probe={"cross_validated": 0.9, "reported": math.nan},
)


def prepared(data: str, **options: Any) -> Workload:
    given = {"backbone": "resnet10_narrow", **options}
    config = StudyConfig(
        data=data, epochs=6, batch_size=16, measure_images=64, device="cpu", **given
    )
    return prepare(config)


def pictures(folder: Path, n: int, *, colour: bool, width: int = 26, height: int = 20) -> None:
    folder.mkdir()
    draws = np.random.default_rng(0)
    for index in range(n):
        shape = (height // 2, width // 2, 3) if colour else (height // 2, width // 2)
        pixels = draws.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).resize((width, height)).save(folder / f"{index:03}.png")


def usable_backbone(workload: Workload) -> nn.Module:
    torch.manual_seed(0)
    net = build_backbone(workload.backbone)
    calibrate_batch_norm(
        net,
        workload.train.read(torch.arange(min(64, len(workload.train)))),
        workload.normalisation,
        recipe=workload.gauge.recipe,
        seed=0,
        device=workload.device,
    )
    return net


@pytest.fixture(scope="module")
def workload() -> Workload:
    return prepared("digits", max_images=400)


@pytest.fixture(scope="module")
def weights(workload: Workload) -> dict[str, Tensor]:
    return dict(usable_backbone(workload).state_dict())


def strict(text: str) -> Any:
    """JSON as the standard has it, where NaN and Infinity are no numbers."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


@contextmanager
def full_disk(n_bytes: int) -> Iterator[None]:
    """No file can grow beyond so many bytes, as on a disk with that much space left."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_both_files_are_written_and_belong_together(
    tmp_path: Path, workload: Workload, weights: dict[str, Tensor]
) -> None:
    folder = tmp_path / "study" / "chosen"
    export_backbone(folder, workload, ROW, CHOICE, weights)
    assert sorted(entry.name for entry in folder.iterdir()) == [WEIGHTS_NAME, CARD_NAME]
    found = load_file(folder / WEIGHTS_NAME)
    assert set(found) == set(weights)
    assert all(torch.equal(found[name], weights[name]) for name in weights)
    card = strict((folder / CARD_NAME).read_text(encoding="utf-8"))
    digest = hashlib.sha256((folder / WEIGHTS_NAME).read_bytes()).hexdigest()
    assert card["weights"] == {"file": "backbone.safetensors", "sha256": digest}


def test_the_card_says_where_the_backbone_comes_from(
    tmp_path: Path, workload: Workload, weights: dict[str, Tensor]
) -> None:
    export_backbone(tmp_path, workload, ROW, CHOICE, weights)
    card = strict((tmp_path / CARD_NAME).read_text(encoding="utf-8"))
    assert card["architecture"] == {
        "family": "resnet",
        "name": "resnet10_narrow",
        "dim": 128,
        "image_size": 16,
        "weights": None,
        "block": "basic",
        "blocks": [1, 1, 1, 1],
        "width": 16,
        "stem_stride": 1,
        "stem_pool": False,
        "in_channels": 1,
    }
    assert card["features"] == 128
    assert card["input"] == {
        "size": 16,
        "channels": 1,
        "mean": list(workload.normalisation.mean),
        "std": list(workload.normalisation.std),
    }
    assert card["method"] == "simclr"
    assert card["hyperparameters"] == {"lr": 0.01, "weight_decay": 1e-4, "temperature": 0.2}
    assert card["trained"] == {"epochs": 6, "of": 6, "images": len(workload.train)}
    assert card["chosen"]["trial"] == 3
    assert card["chosen"]["reason"] == "best α of the 2 shortlisted"
    assert card["measured_as"] == json.loads(json.dumps(workload.gauge.record()))
    assert set(card["made_with"]) == {"goldilocks-hpo", "torch", "torchvision", "lightly"}


def test_an_undefined_measure_is_null(
    tmp_path: Path, workload: Workload, weights: dict[str, Tensor]
) -> None:
    endless = replace(ROW, values={**ROW.values, "rankme": math.inf})
    export_backbone(tmp_path, workload, endless, CHOICE, weights)
    card = strict((tmp_path / CARD_NAME).read_text(encoding="utf-8"))
    assert card["measures"] == {"rankme": None, "alpha_req": 1.02, "lidar": None, "moved": 0.4}
    assert card["probe"] == {"cross_validated": 0.9, "reported": None}


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


@pytest.mark.parametrize("n_bytes", [0, 3000, 100_000])
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, workload: Workload, weights: dict[str, Tensor], n_bytes: int
) -> None:
    export_backbone(tmp_path / "old", workload, ROW, CHOICE, weights)
    before = contents(tmp_path / "old")
    other = {name: value + 1 for name, value in weights.items()}
    for folder, expected in ((tmp_path / "old", before), (tmp_path / "new", {})):
        with full_disk(n_bytes), pytest.raises(StorageError, match="Free disk space"):
            export_backbone(folder, workload, ROW, Choice(4, "another"), other)
        assert contents(folder) == expected


def test_a_disk_too_full_for_the_card_leaves_the_old_weights(
    tmp_path: Path, workload: Workload
) -> None:
    """New weights beside an old card would be described wrongly."""
    tiny = {"weight": torch.zeros(3)}
    export_backbone(tmp_path, workload, ROW, CHOICE, tiny)
    before = contents(tmp_path)
    room = len(before[WEIGHTS_NAME]) + 100
    assert room < len(before[CARD_NAME])
    with full_disk(room), pytest.raises(StorageError):
        export_backbone(tmp_path, workload, ROW, CHOICE, {"weight": torch.ones(3)})
    assert contents(tmp_path) == before


def test_a_file_in_the_folders_place_is_a_storage_error(
    tmp_path: Path, workload: Workload, weights: dict[str, Tensor]
) -> None:
    (tmp_path / "chosen").write_text("not a folder")
    with pytest.raises(StorageError, match="could not be written"):
        export_backbone(tmp_path / "chosen", workload, ROW, CHOICE, weights)


@pytest.mark.parametrize(("colour", "image_size"), [(True, 16), (False, 24), (True, 66)])
def test_the_lines_of_the_readme_give_the_same_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colour: bool, image_size: int
) -> None:
    pictures(tmp_path / "photos", 170, colour=colour)
    workload = prepared(str(tmp_path / "photos"), image_size=image_size)
    net = usable_backbone(workload)
    chosen = tmp_path / "studies" / "digits" / "chosen"
    export_backbone(chosen, workload, ROW, CHOICE, dict(net.state_dict()))

    (tmp_path / "new").mkdir()
    for name in ("000.png", "001.png", "002.png"):
        (tmp_path / "photos" / name).rename(tmp_path / "new" / name)
    new = prepared_images(tmp_path / "new", image_size)
    expected, _ = embed(net, None, new, workload.normalisation, device=workload.device)

    assert "hpo" not in WITHOUT_THIS_PACKAGE
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(WITHOUT_THIS_PACKAGE, names)
    features = names["features"]
    assert features.shape == (3, 128)
    assert not features.requires_grad
    assert_close(features, expected, atol=1e-5, rtol=1e-5)


def prepared_images(folder: Path, image_size: int) -> Tensor:
    from hpo.data import load_images

    found = load_images(
        str(folder),
        image_size=image_size,
        data_root=None,
        with_labels=False,
        max_images=None,
        seed=0,
    ).images
    return found.read(torch.arange(len(found)))


@pytest.mark.parametrize("name", ["vit_tiny", "timm:test_vit", "tests/hpo/backbones/nets.py:Tied"])
def test_every_kind_of_backbone_comes_back(tmp_path: Path, name: str) -> None:
    """Also one with one matrix under two names, and with convolutions in channels_last."""
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    pictures(tmp_path / "photos", 240, colour=True)
    workload = prepared(str(tmp_path / "photos"), backbone=name, image_size=16)
    net = build_backbone(workload.backbone).to(memory_format=torch.channels_last).eval()
    export_backbone(tmp_path / "chosen", workload, ROW, CHOICE, dict(net.state_dict()))
    card = strict((tmp_path / "chosen" / CARD_NAME).read_text(encoding="utf-8"))
    assert ("timm" in card["made_with"]) is name.startswith("timm:")
    images = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(load_chosen(tmp_path / "chosen")(images), net(images))


def test_the_weights_that_it_began_with_are_part_of_the_study(tmp_path: Path) -> None:
    net = build_backbone(prepared("digits", max_images=400).backbone)
    torch.save(net.state_dict(), tmp_path / "a.pt")
    workload = prepared("digits", max_images=400, weights=tmp_path / "a.pt")
    digest = hashlib.sha256((tmp_path / "a.pt").read_bytes()).hexdigest()
    named = {"path": str(tmp_path / "a.pt"), "sha256": digest}
    assert card_of(workload, ROW, CHOICE)["architecture"]["weights"] == named
    assert workload.identity["weights"] == f"{tmp_path / 'a.pt'}, sha256 {digest[:12]}"
    started = build_backbone(workload.backbone).state_dict()
    assert all(torch.equal(value, started[name]) for name, value in net.state_dict().items())
    assert prepared("digits", max_images=400).identity["weights"] is None


def test_the_card_is_plain_data(workload: Workload) -> None:
    assert card_of(workload, ROW, CHOICE)["format"] == 1
    json.dumps(card_of(workload, ROW, CHOICE))
