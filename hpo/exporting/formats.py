"""Each format: how a program is written, and how it is read again and run."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hpo.errors import ConfigError
from hpo.exporting.graph_input import Exportable
from hpo.suggestion import suggestion

CARD = "card.json"
"""Name under which a program carries the card of its backbone."""


@dataclass(frozen=True)
class Format:
    """A kind of program.

    Args:
        name: of it.
        suffix: of its files.
        write: a module, an example batch and the card's text to a file.
        run: a file and a batch to features.
        read_card: a file to the card's text in it.
        ready: checks that all is installed that it needs.
    """

    name: str
    suffix: str
    write: Callable[[Exportable, Tensor, str, Path], None]
    run: Callable[[Path, Tensor], Tensor]
    read_card: Callable[[Path], str]
    ready: Callable[[], None]


def format_named(name: str) -> Format:
    """Look a format up, having checked that it can be written here.

    Raises:
        ConfigError: for an unknown one, or one whose packages are not installed.
    """
    if name not in FORMATS:
        raise ConfigError(f"format: got {name!r}. {suggestion(name, FORMATS)}")
    found = FORMATS[name]
    found.ready()
    return found


def card_text(card: Mapping[str, Any]) -> str:
    """Return a card as the text that a program carries."""
    return json.dumps(card, ensure_ascii=False, allow_nan=False)


def _write_pt2(module: Exportable, images: Tensor, card: str, path: Path) -> None:
    batch = torch.export.Dim("batch", min=1)
    with _quiet():
        program = torch.export.export(module, (images,), dynamic_shapes={"images": {0: batch}})
        torch.export.save(program, path, extra_files={CARD: card})


def _run_pt2(path: Path, images: Tensor) -> Tensor:
    with _quiet(), torch.no_grad():
        features: Tensor = torch.export.load(path).module()(images)
    return features


def _card_pt2(path: Path) -> str:
    files = {CARD: ""}
    with _quiet():
        torch.export.load(path, extra_files=files)
    return files[CARD]


def _write_onnx(module: Exportable, images: Tensor, card: str, path: Path) -> None:
    batch = torch.export.Dim("batch", min=1)
    with _quiet():
        program = torch.onnx.export(
            module,
            (images,),
            input_names=["images"],
            output_names=["features"],
            dynamic_shapes={"images": {0: batch}},
            dynamo=True,
            verbose=False,
        )
        if program is None:
            raise RuntimeError("torch made no program")
        program.model.metadata_props[CARD] = card
        program.save(path)


def _run_onnx(path: Path, images: Tensor) -> Tensor:
    if find_spec("onnxruntime") is not None:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        (features,) = session.run(None, {"images": images.numpy()})
    else:
        from onnx.reference import ReferenceEvaluator

        (features,) = ReferenceEvaluator(str(path)).run(None, {"images": images.numpy()})
    return torch.from_numpy(features)


def _card_onnx(path: Path) -> str:
    import onnx

    model = onnx.load(path, load_external_data=False)
    return next((entry.value for entry in model.metadata_props if entry.key == CARD), "")


def _onnx_ready() -> None:
    missing = [name for name in ("onnx", "onnxscript") if not _is_there(name)]
    if missing:
        raise ConfigError(
            f"format: onnx needs {' and '.join(missing)}; give pip install 'goldilocks-hpo[onnx]', "
            "or take --format torch-export, which needs nothing more."
        )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # a module that is none
        return False


@contextmanager
def _quiet() -> Iterator[None]:
    """Exporters warn of their own plans, which a user can do nothing about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("torch-export", ".pt2", _write_pt2, _run_pt2, _card_pt2, lambda: None),
        Format("onnx", ".onnx", _write_onnx, _run_onnx, _card_onnx, _onnx_ready),
    )
}
"""Every format by name."""
