"""Weights that a backbone starts from: a local file, checked and named by its content."""

from __future__ import annotations

import argparse
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from hpo.backbones.weight_names import Fit, best_fit
from hpo.errors import ConfigError

ENDINGS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".pth.tar")
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
        if not path.name.endswith(ENDINGS):
            raise ConfigError(
                f"weights: got {path}; wanted a file ending in {', '.join(ENDINGS[:-1])} or "
                f"{ENDINGS[-1]}."
            )
        resolved = path.expanduser().resolve()
        return cls(str(resolved), hashlib.sha256(_bytes(resolved)).hexdigest())

    def read(self) -> dict[str, Tensor]:
        """Return its tensors by name, on the CPU.

        Those in a dict within a dict are named with dots: `state_dict.backbone.conv1.weight`.

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
        except MemoryError:
            raise
        except Exception as error:  # damaged bytes make torch raise nearly anything
            raise ConfigError(
                f"weights: {self.path} cannot be read as tensors by name {_unreadable(error)}"
            ) from error


@dataclass(frozen=True)
class LoadedWeights:
    """What was taken from a file of weights, and what was not.

    Args:
        fit: the part of the file that was taken.
        missing: the network's names that kept their fresh values.
        unexpected: names in that part that the network does not have.
    """

    fit: Fit
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()

    def notes(self) -> tuple[str, ...]:
        """Return what a user should know of it, in whole phrases; empty where all is plain."""
        return tuple(self._said())

    def _said(self) -> Iterator[str]:
        if self.fit.prefix or self.fit.numbered:
            by = ", whose children are named by position" if self.fit.numbered else ""
            yield f"weights taken: {self.fit.prefix}*{by}"
        if self.fit.as_good:
            yield f"as much fits under {_first(self.fit.as_good)}"
        if self.missing:
            yield f"missing, so left untrained: {_first(self.missing)}"
        if self.unexpected:
            yield f"not used: {_first(self.unexpected)}"


def load_weights(
    net: nn.Module, file: WeightsFile, *, prefix: str | None = None, allow_partial: bool = False
) -> LoadedWeights:
    """Let a network start from a file's weights.

    Names may carry a prefix such as `state_dict.backbone.` or `module.`; it is the one under which
    the most names fit, and all names without it are left out. So is a classifier (`fc`, `heads`,
    `head`, `classifier`) that the network does not have. The positional embedding of one of our
    vision transformers is interpolated to another number of patches.

    Args:
        net: a backbone; its names are torchvision's, timm's or the user's own.
        file: state dict of torchvision or timm, checkpoint of Lightning, Lightly or this package,
            or an exported `backbone.safetensors`.
        prefix: what to take where the file holds several networks; None finds it.
        allow_partial: whether names may be missing, unexpected or of another shape. What is
            missing stays as it is.

    Returns:
        What was taken and what was not.

    Raises:
        ConfigError: when names or shapes do not fit, it lists the first of them; or when nothing
            fits at all.
    """
    wanted = net.state_dict()
    children = [name for name, _ in net.named_children()]
    fit = best_fit(file.read(), wanted, children, prefix=prefix)
    given = _fitted(fit.entries, wanted)
    misfits = {n: v for n, v in given.items() if n in wanted and v.shape != wanted[n].shape}
    # Files from before BatchNorm counted its batches lack the count; nothing here reads it.
    missing = [n for n in wanted if n not in given and not n.endswith("num_batches_tracked")]
    unexpected = [name for name in given if name not in wanted]
    usable = {n: v for n, v in given.items() if n in wanted and n not in misfits}
    if (missing or unexpected) and not (allow_partial and usable):
        raise ConfigError(
            f"weights: {file.path} is of another network. Missing: {_first(missing)}. "
            f"Unexpected: {_first(unexpected)}."
        )
    if misfits and not (allow_partial and usable):
        raise ConfigError(_misfit(file.path, misfits, wanted))
    net.load_state_dict(usable, strict=False)
    return LoadedWeights(fit, (*missing, *misfits), tuple(unexpected))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"weights: {path} cannot be read ({error}).") from error


def _decoded(content: bytes, is_safetensors: bool) -> Any:
    if is_safetensors:
        from safetensors.torch import load

        return load(content)
    # The options of a training, which many published checkpoints carry: a bag of plain values.
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _tensors(found: Any) -> dict[str, Tensor]:
    """All tensors in a dict, and in the dicts that it holds."""
    if not isinstance(found, Mapping) or not found:
        raise TypeError(f"it holds a {type(found).__name__} without names")
    tensors = dict(_flat(found, ""))
    if not tensors:
        raise TypeError(f"no tensors under {_first([str(name) for name in found])}")
    return tensors


def _flat(found: Mapping[Any, Any], before: str) -> Iterator[tuple[str, Tensor]]:
    for name, value in found.items():
        if isinstance(value, Tensor):
            yield f"{before}{name}", value
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")


def _unreadable(error: Exception) -> str:
    asked = re.search(r"GLOBAL (\S+)", str(error)) if isinstance(error, UnpicklingError) else None
    if asked is None:
        # torch's own words for damaged bytes advise to turn `weights_only` off.
        known = not isinstance(error, UnpicklingError)
        reason = f": {str(error).splitlines()[0]}" if known and str(error) else ""
        return (
            f"({type(error).__name__}{reason}). Wanted a state dict, saved as safetensors or with "
            "torch.save; code in it is never run."
        )
    return (
        f"(it holds a {asked[1]} beside them). Code in it is never run, so it is refused. Where "
        "you trust the file, convert it once: torch.save(torch.load(OLD, weights_only=False)"
        "['state_dict'], NEW), with the name under which your file keeps its weights."
    )


def _fitted(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
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
    if any("pos_emb" in name for name in misfits):
        return (
            f"weights: {path} is of a network for images of another size. {_first(shapes)}. Give "
            "the image size that it was trained on."
        )
    return f"weights: {path} is of a network of other shapes. {_first(shapes)}.{hint * stem}"


def _first(names: Sequence[str], n: int = 4) -> str:
    more = f" and {len(names) - n} more" if len(names) > n else ""
    return (", ".join(names[:n]) + more) or "none"
