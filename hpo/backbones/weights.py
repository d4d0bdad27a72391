"""Weights that a backbone starts from: a local file, checked and named by its content."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hpo.errors import ConfigError

_PREFIXES = (
    "", "backbone.", "module.", "module.backbone.", "model.", "encoder.", "_orig_mod.",
    "_orig_mod.backbone.",
)  # fmt: skip
_CLASSIFIERS = ("fc.", "heads.", "head.", "classifier.")
_POSITIONS = "encoder.pos_embedding"


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights and its content.

    Args:
        path: where it lies, absolute.
        sha256: of its bytes, so that another file under the same name is noticed.
    """

    path: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.path}, sha256 {self.sha256[:12]}"

    @classmethod
    def of(cls, path: Path) -> WeightsFile:
        """Describe a file as it is now.

        Raises:
            ConfigError: when it cannot be read or its ending says that it holds no weights.
        """
        if path.suffix not in (".safetensors", ".pt", ".pth"):
            raise ConfigError(
                f"weights: got {path}; wanted a file ending in .safetensors, .pt or .pth."
            )
        resolved = path.expanduser().resolve()
        return cls(str(resolved), hashlib.sha256(_bytes(resolved)).hexdigest())

    def read(self) -> dict[str, Tensor]:
        """Return its tensors by name, on the CPU.

        Raises:
            ConfigError: when it changed, or holds anything but tensors by name.
        """
        content = _bytes(Path(self.path))
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ConfigError(
                f"weights: {self.path} is not what it was when the study began. Put the old file "
                "back, or start a new study with another --out."
            )
        try:
            return _tensors(_decoded(content, self.path.endswith(".safetensors")))
        except Exception as error:
            raise ConfigError(
                f"weights: {self.path} cannot be read as tensors by name "
                f"({type(error).__name__}: {str(error).splitlines()[0]}). Wanted a state dict, "
                "saved as safetensors or with torch.save; code in it is never run."
            ) from error


def load_weights(net: nn.Module, file: WeightsFile) -> None:
    """Let a network start from a file's weights.

    Names may carry a prefix such as `backbone.` or `module.`; then all names without it are left
    out. A classifier (`fc`, `heads`, `head`, `classifier`) is left out too. The positional
    embedding of one of our vision transformers is interpolated to another number of patches.

    Args:
        net: a backbone; its names are torchvision's, timm's or the user's own.
        file: state dict of torchvision or timm, or an exported `backbone.safetensors`.

    Raises:
        ConfigError: when names or shapes do not fit; it lists the first of them.
    """
    wanted = net.state_dict()
    given = _fitted(_named_alike(file.read(), set(wanted)), wanted)
    # Files from before BatchNorm counted its batches lack the count; nothing here reads it.
    missing = [n for n in wanted if n not in given and not n.endswith("num_batches_tracked")]
    unexpected = [name for name in given if name not in wanted]
    if missing or unexpected:
        raise ConfigError(
            f"weights: {file.path} is of another network. Missing: {_first(missing)}. "
            f"Unexpected: {_first(unexpected)}."
        )
    misfits = {n: given[n] for n in wanted if n in given and given[n].shape != wanted[n].shape}
    if misfits:
        raise ConfigError(_misfit(file.path, misfits, wanted))
    net.load_state_dict(given, strict=False)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"weights: {path} cannot be read ({error}).") from error


def _decoded(content: bytes, is_safetensors: bool) -> Any:
    if is_safetensors:
        from safetensors.torch import load

        return load(content)
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _tensors(found: Any) -> dict[str, Tensor]:
    """The state dict itself, or the one inside a checkpoint."""
    for key in ("state_dict", "model"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not found:
        raise TypeError(f"it holds a {type(found).__name__} without names")
    strangers = [str(name) for name, value in found.items() if not isinstance(value, Tensor)]
    if strangers:
        raise TypeError(f"no tensors under {_first(strangers)}")
    return {str(name): value for name, value in found.items()}


def _named_alike(given: dict[str, Tensor], wanted: set[str]) -> dict[str, Tensor]:
    """The entries under the prefix that makes the most names fit, without it and the classifier."""

    def under(prefix: str) -> dict[str, Tensor]:
        return {n[len(prefix) :]: value for n, value in given.items() if n.startswith(prefix)}

    best = max(map(under, _PREFIXES), key=lambda entries: len(wanted & set(entries)))
    without = [c for c in _CLASSIFIERS if not any(name.startswith(c) for name in wanted)]
    return {n: v for n, v in best.items() if not n.startswith(tuple(without))}


def _fitted(given: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Interpolate a vision transformer's positions to the patches wanted."""
    old, new = given.get(_POSITIONS), wanted.get(_POSITIONS)
    if old is None or new is None or old.shape[-1] != new.shape[-1] or old.shape == new.shape:
        return given
    from hpo.backbones.sized_vit import resized_positions

    side = round((new.shape[1] - 1) ** 0.5)
    return {**given, _POSITIONS: resized_positions(old, (side, side))}


def _misfit(path: str, misfits: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    shapes = [
        f"{name}: got {tuple(value.shape)}, wanted {tuple(wanted[name].shape)}"
        for name, value in misfits.items()
    ]
    stem = "conv1.weight" in misfits
    hint = (
        " The stem differs: this backbone has one for small images and grey or colour as they "
        "are. timm:NAME has the ordinary stem for colour images."
    )
    return f"weights: {path} is of a network of other shapes. {_first(shapes)}.{hint * stem}"


def _first(names: list[str], n: int = 4) -> str:
    more = f" and {len(names) - n} more" if len(names) > n else ""
    return (", ".join(names[:n]) + more) or "none"
