"""A chosen backbone as a program: it computes the same, for any number of images, elsewhere."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from hpo.backbones import backbone_spec, build_backbone
from hpo.backbones.chosen import load_backbone
from hpo.errors import ConfigError, StorageError
from hpo.exporting import formats
from hpo.exporting.command import export_program
from hpo.exporting.formats import FORMATS

NETS = Path(__file__).parent.parent / "backbones" / "nets.py"
SLOW = pytest.mark.slow


def chosen(folder: Path, name: str = "resnet10_narrow", size: int = 16) -> Path:
    """Write what a study hands over, as far as exporting needs it."""
    torch.manual_seed(0)
    spec = backbone_spec(name, image_size=size, in_channels=3)
    net = build_backbone(spec)
    net.train()(torch.rand(4, 3, size, size))  # BatchNorm that is not the identity
    save_file(net.state_dict(), folder / "backbone.safetensors")
    content = (folder / "backbone.safetensors").read_bytes()
    card = {
        "architecture": spec.as_dict(),
        "input": {"size": size, "channels": 3, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.25]},
        "weights": {
            "file": "backbone.safetensors",
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "method": "vïcreg",
    }
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def needed(kind: str) -> None:
    if kind == "onnx":
        pytest.importorskip("onnxscript")


def images(size: int = 16, n: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (n, 3, size, size), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("kind", "takes"),
    [
        ("torch-export", None),
        ("torch-export", "unit"),
        ("onnx", "uint8"),
        pytest.param("torch-export", "uint8", marks=SLOW),
        pytest.param("onnx", None, marks=SLOW),
        pytest.param("onnx", "unit", marks=SLOW),
    ],
)
def test_a_program_computes_what_the_backbone_does(
    tmp_path: Path, kind: str, takes: str | None
) -> None:
    needed(kind)
    folder = chosen(tmp_path)
    made = export_program(folder, form=kind, with_normalisation=takes)
    assert made.path == folder / f"backbone{FORMATS[kind].suffix}"
    assert made.difference <= 1e-4 * made.scale
    assert made.n_bytes == made.path.stat().st_size
    backbone, pixels = load_backbone(folder), images()
    normalised = backbone.preprocess.normalised(pixels.float() / 255.0)
    given = {None: normalised, "unit": pixels.float() / 255.0, "uint8": pixels}[takes]
    with torch.no_grad():
        expected = backbone(normalised)
    for n in (1, 5):
        found = FORMATS[kind].run(made.path, given[:n])
        torch.testing.assert_close(found, expected[:n], rtol=1e-4, atol=1e-5)
    assert json.loads(FORMATS[kind].read_card(made.path)) == backbone.card
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["backbone.safetensors", "card.json", made.path.name]
    )


@SLOW
@pytest.mark.parametrize("kind", ["torch-export", "onnx"])
def test_a_vision_transformer_goes_too(tmp_path: Path, kind: str) -> None:
    needed(kind)
    made = export_program(chosen(tmp_path, "vit_tiny"), form=kind)
    assert made.dim == 192
    assert made.difference <= 1e-3 * made.scale


def test_an_onnx_file_is_sound_and_runs_without_onnxruntime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    needed("onnx")
    found = formats.find_spec
    monkeypatch.setattr(formats, "find_spec", lambda n: None if n == "onnxruntime" else found(n))
    made = export_program(chosen(tmp_path), form="onnx", with_normalisation="uint8")
    assert made.difference <= 1e-4 * made.scale
    model = onnx.load(made.path)
    onnx.checker.check_model(model, full_check=True)
    (taken,) = model.graph.input
    assert taken.name == "images"
    shape = [axis.dim_param or axis.dim_value for axis in taken.type.tensor_type.shape.dim]
    assert shape == ["batch", 3, 16, 16]
    assert taken.type.tensor_type.elem_type == onnx.helper.np_dtype_to_tensor_dtype(
        np.dtype("uint8")
    )


def test_a_file_that_is_there_stays_unless_forced(tmp_path: Path) -> None:
    folder = chosen(tmp_path)
    (folder / "backbone.pt2").write_text("mine")
    with pytest.raises(StorageError, match=r"backbone.pt2 is there already. Give --force"):
        export_program(folder, form="torch-export")
    assert (folder / "backbone.pt2").read_text() == "mine"
    made = export_program(folder, form="torch-export", force=True)
    assert made.path.stat().st_size > 10_000


def test_a_program_that_computes_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, whole = chosen(tmp_path), FORMATS["torch-export"]
    wrong = formats.Format(**{**vars(whole), "run": lambda path, x: whole.run(path, x) * 1.01})
    monkeypatch.setitem(FORMATS, "torch-export", wrong)
    (folder / "backbone.pt2").write_text("mine")
    with pytest.raises(StorageError, match=r"does not compute what the backbone does.*Nothing was"):
        export_program(folder, form="torch-export", force=True)
    assert (folder / "backbone.pt2").read_text() == "mine"
    assert len(list(folder.iterdir())) == 3  # nor is anything left aside


def test_without_its_packages_onnx_says_which_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match=r"needs onnxscript; give pip install .*hpo\[onnx\]'"):
        export_program(chosen(tmp_path), form="onnx")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "onxx"}, "format: got 'onxx'. Did you mean 'onnx'"),
        ({"with_normalisation": "bytes"}, "with_normalisation: got 'bytes'; wanted unit"),
        ({"to": "net.onnx"}, "to: got .*net.onnx; wanted a name that ends in .pt2"),
        ({"to": "nowhere/net.pt2"}, "nowhere does not exist"),
    ],
)
def test_impossible_options_are_refused(
    tmp_path: Path, options: dict[str, str], message: str
) -> None:
    given: dict[str, object] = {"form": "torch-export", **options}
    if "to" in options:
        given["to"] = tmp_path / options["to"]
    with pytest.raises((ConfigError, StorageError), match=message):
        export_program(chosen(tmp_path), **given)  # type: ignore[arg-type]


def test_a_network_that_cannot_be_exported_is_named(tmp_path: Path) -> None:
    source = tmp_path / "own.py"
    source.write_text(
        "import torch\n"
        "class Odd(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = torch.nn.Linear(3, 4)\n"
        "    def forward(self, images):\n"
        "        features = self.layer(images.mean((2, 3)))\n"
        "        return features if float(images.mean()) > 0 else -features\n"
    )
    folder = chosen(tmp_path, f"{source}:Odd")
    with pytest.raises(ConfigError, match=r"own.py:Odd cannot be exported as torch-export \("):
        export_program(folder, form="torch-export")
    assert not list(folder.glob("*.pt2"))
