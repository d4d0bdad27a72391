"""The body of `goldilocks export`: written aside, read again, run, and only then in its place."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch

from hpo.backbones.chosen import ChosenBackbone, ChosenFiles, load_backbone
from hpo.errors import ConfigError, StorageError
from hpo.exporting.formats import Format, card_text, format_named
from hpo.exporting.graph_input import Exportable, example_pixels, graph_input

_EXAMPLE, _CHECK = 2, 3  # batches of different sizes, so that the batch is seen to be free
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Exported:
    """A program that was written and checked.

    Args:
        path: of it.
        takes: what its graph takes, in words.
        dim: width of the features.
        difference: largest one from the backbone's own features, on a batch.
        scale: largest of these features, to compare with.
        n_bytes: size of the file, with what lies beside it.
    """

    path: Path
    takes: str
    dim: int
    difference: float
    scale: float
    n_bytes: int


def export_program(
    source: Path,
    *,
    form: str,
    to: Path | None = None,
    with_normalisation: str | None = None,
    force: bool = False,
) -> Exported:
    """Write a chosen backbone as a program with a free batch size and its card in it.

    Args:
        source: a study's directory, its `chosen` folder, or a `.safetensors` file with its card.
        form: "torch-export" or "onnx".
        to: file to write; None for `backbone.pt2` or `backbone.onnx` beside the weights.
        with_normalisation: None for a graph that takes normalised images; "unit" for one that
            takes pixels in [0, 1], "uint8" for one that takes bytes.
        force: whether a file that is there is overwritten.

    Raises:
        ConfigError: for an impossible option, a package that is missing, or a backbone that cannot
            be exported.
        StorageError: when the file is there, cannot be written, or does not compute the same.
    """
    takes, format_ = graph_input(with_normalisation), format_named(form)
    backbone = load_backbone(source)
    path = to or ChosenFiles.at(source).weights.with_suffix(format_.suffix)
    _check_place(path, format_, force=force)
    module = Exportable(backbone, takes).eval()
    try:
        with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as folder:
            aside = Path(folder) / path.name
            _write(format_, module, backbone, aside)
            difference, scale = _compared(format_, module, backbone, aside)
            files = sorted(Path(folder).iterdir())
            n_bytes = sum(file.stat().st_size for file in files)
            for file in files:  # a large ONNX keeps its weights in a file beside it
                shutil.move(file, path.parent / file.name)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"to: {path} cannot be written ({error}).") from error
    return Exported(path, _in_words(module, backbone), backbone.dim, difference, scale, n_bytes)


def _check_place(path: Path, format_: Format, *, force: bool) -> None:
    if path.suffix != format_.suffix:
        raise ConfigError(f"to: got {path}; wanted a name that ends in {format_.suffix}.")
    if not path.parent.is_dir():
        raise StorageError(f"to: {path.parent} does not exist; wanted a folder that does.")
    if path.is_dir():
        raise StorageError(f"to: {path} is a folder; wanted a file.")
    if path.exists() and not force:
        raise StorageError(f"to: {path} is there already. Give --force to overwrite it, or --to.")


def _write(format_: Format, module: Exportable, backbone: ChosenBackbone, path: Path) -> None:
    images = module.of_pixels(example_pixels(backbone.preprocess, _EXAMPLE))
    try:
        format_.write(module, images, card_text(backbone.card), path)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a network of anyone's can break any step of an exporter
        name = backbone.card["architecture"]["name"]
        raise ConfigError(
            f"format: {name} cannot be exported as {format_.name} "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})."
        ) from error


def _compared(
    format_: Format, module: Exportable, backbone: ChosenBackbone, path: Path
) -> tuple[float, float]:
    """Read the program again and run it on another number of images, beside the backbone."""
    pixels = example_pixels(backbone.preprocess, _CHECK)
    with torch.no_grad():
        wanted = backbone(backbone.preprocess.normalised(pixels.float() / 255.0))
    found = format_.run(path, module.of_pixels(pixels))
    difference = float((found - wanted).abs().max())
    scale = float(wanted.abs().max())
    if not difference <= _TOLERANCE * scale:
        raise StorageError(
            f"to: the program does not compute what the backbone does: its features differ by "
            f"{difference:.2g}, the largest is {scale:.2g}. Nothing was written."
        )
    if format_.read_card(path) != card_text(backbone.card):
        raise StorageError("to: the program does not hold the card. Nothing was written.")
    return difference, scale


def _in_words(module: Exportable, backbone: ChosenBackbone) -> str:
    given = backbone.preprocess
    kind = {
        "normalised": "normalised float32",
        "unit": "float32 pixels in [0, 1]",
        "uint8": "uint8 pixels",
    }[module.takes]
    return f"{kind} (n, {given.channels}, {given.size}, {given.size})"
