"""`.pt` and `.safetensors` files. A `.pt` file is a pickle: only tensors are taken out of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from hpo.errors import DataError
from hpo.score.arrays import UNNAMED, ArrayFile, ArrayHeader
from hpo.score.damage import damage_as_message

_DTYPE_WORDS = {"F": "float", "BF": "bfloat", "I": "int", "U": "uint"}


def open_safetensors(path: Path) -> ArrayFile:
    """Open a `.safetensors` file of named arrays; only those asked for are read.

    Args:
        path: a file written by `safetensors.torch.save_file`.

    Raises:
        DataError: it is none, or is damaged.
    """
    from safetensors import safe_open

    written_by = "safetensors.torch.save_file({'embeddings': embeddings}, path)"
    with damage_as_message(path, written_by), safe_open(path, framework="pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        headers = {
            name: ArrayHeader(_dtype_name(part.get_dtype()), tuple(part.get_shape()))
            for name, part in slices.items()
        }

    def read(name: str) -> Tensor:
        with damage_as_message(path, written_by), safe_open(path, framework="pt") as file:
            values: Tensor = file.get_tensor(name)
            return values

    return ArrayFile(path, headers, read)


def open_pt(path: Path) -> ArrayFile:
    """Open a `.pt` file of one tensor, or of a dict of tensors; no code of it is run.

    Args:
        path: a file written by `torch.save`. Entries of the dict that are no tensors are left out.

    Raises:
        DataError: it is none, or is damaged, or would have to run code, or holds no tensor.
    """
    content = _load(path)
    if isinstance(content, Tensor):
        tensors = {UNNAMED: content.detach()}
    elif isinstance(content, Mapping):
        tensors = {str(k): v.detach() for k, v in content.items() if isinstance(v, Tensor)}
        if not tensors:
            raise DataError(_no_tensors(path, content))
    else:
        raise DataError(
            f"{path}: got a {type(content).__name__}, wanted a tensor or a dict of tensors; stack "
            "the embeddings and save them with torch.save(torch.stack(rows), path)."
        )
    headers = {name: _header(tensor) for name, tensor in tensors.items()}
    return ArrayFile(path, headers, tensors.__getitem__)


def _load(path: Path) -> Any:
    with damage_as_message(path, "torch.save(embeddings, path)"), warnings.catch_warnings():
        # Of other pickle protocols and old formats: what cannot be read is an error all the same.
        warnings.simplefilter("ignore")
        try:
            return torch.load(path, weights_only=True, map_location="cpu")
        except UnpicklingError as error:
            asked = re.search(r"GLOBAL (\S+)", str(error))
            # Without a name, torch's own message is about how to run the code all the same.
            what = f"that asks for {asked[1]}" if asked else "that is damaged or not torch.save's"
            raise DataError(
                f"{path}: got a pickle {what}, wanted tensors alone; to open it would run code out "
                "of the file, so it is refused. Where you trust the file, convert it once: content "
                "= torch.load(path, weights_only=False), then save its embeddings with "
                "torch.save(torch.as_tensor(embeddings), new_path) or numpy.save; or write it "
                "again with torch.save(embeddings, path)."
            ) from error


def _no_tensors(path: Path, content: Mapping[Any, Any]) -> str:
    found = ", ".join(f"{k!r} {type(v).__name__}" for k, v in list(content.items())[:12])
    return (
        f"{path}: got a dict without a tensor at its first level ({found or 'empty'}), wanted "
        "embeddings. The weights in a checkpoint are no embeddings: run the model over the images "
        "and save what it returns with torch.save(embeddings, path)."
    )


def _header(tensor: Tensor) -> ArrayHeader:
    layout = "" if tensor.layout == torch.strided else "sparse "
    return ArrayHeader(layout + str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))


def _dtype_name(code: str) -> str:
    """Spell a dtype of safetensors (F32, BF16, I64, BOOL) as the other formats do."""
    found = re.fullmatch(r"(BF|F|I|U)(\d+)", code)
    return _DTYPE_WORDS[found[1]] + found[2] if found else code.lower()
