"""What a checkpoint on the command line is: found out from names and cards, no weights read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.backbones.chosen import CARD_NAME, ChosenFiles, read_card
from hpo.errors import ConfigError

_TRIAL = re.compile(r"trial-\d+(\.\w+)?\.pt")
FORMS = (
    "a study's directory, its chosen folder or checkpoints, or FILE@ARCHITECTURE with timm:NAME, "
    "torchvision:NAME, one of our backbones or FILE.py:NAME"
)


@dataclass(frozen=True)
class Origin:
    """Where a backbone comes from.

    Args:
        text: as the user gave it.
        weights: the file.
        architecture: name of it; None where the card describes it.
        card: of the study that trained it; None where there is none.
        own_card: whether the card is of these very weights, not only of their study.
    """

    text: str
    weights: Path
    architecture: str | None = None
    card: Mapping[str, Any] | None = None
    own_card: bool = False

    @property
    def method(self) -> str | None:
        """What it was trained with; None when unknown."""
        return None if self.card is None else self.card.get("method")

    @property
    def made_for(self) -> int | None:
        """Side of the images it was trained on, in pixels; None when unknown."""
        return None if self.card is None else int(self.card["input"]["size"])

    @property
    def centred(self) -> bool:
        """Whether its study measured features about their mean, for want of a projector."""
        return bool((self.card or {}).get("measured_as", {}).get("centred"))


def origin_of(text: str, architecture: str | None = None) -> Origin:
    """Find out what a checkpoint is.

    Args:
        text: a study's directory, its `chosen` folder, the `backbone.safetensors` in it, one of
            its `checkpoints/trial-*.pt`, or any file of weights, with `@ARCHITECTURE` behind it.
        architecture: of files that neither name one nor have a card.

    Raises:
        ConfigError: when it is not there, or nothing says what network it is of.
        StorageError: when its card cannot be read.
    """
    path, named = Path(text).expanduser(), None
    if "@" in text and not path.exists():
        before, _, named = text.rpartition("@")
        path = Path(before).expanduser()
    if not path.exists():
        raise ConfigError(f"{text}: {_absent(text, path)}")
    if named:
        return Origin(text, _a_file(text, path), named)
    card = card_beside(path)
    if card is not None:
        own = not _TRIAL.fullmatch(path.name)
        weights = ChosenFiles.at(path).weights if own else path
        return Origin(text, weights, None, read_card(card), own)
    if path.is_dir():
        raise ConfigError(f"{text}: is a folder without a chosen backbone; wanted {FORMS}.")
    if architecture is None:
        raise ConfigError(
            f"{text}: nothing says what network these weights are of. Give {text}@ARCHITECTURE, "
            "such as timm:resnet50 or torchvision:resnet50, or --architecture for all files."
        )
    return Origin(text, path, architecture)


def card_beside(path: Path) -> Path | None:
    """Return the card that says what a file or folder is; None when there is none.

    Args:
        path: of a study, its chosen folder, its exported weights or a trial's checkpoint.
    """
    if path.parent.name == "checkpoints" and _TRIAL.fullmatch(path.name):
        found = path.parent.parent / "chosen" / CARD_NAME
    elif path.is_dir() or path.suffix == ".safetensors":
        found = ChosenFiles.at(path).card
    else:
        return None
    return found if found.is_file() else None


def common_size(origins: Sequence[Origin]) -> int | None:
    """Return the image size that all cards agree on; None without cards.

    Raises:
        ConfigError: when they do not.
    """
    sizes = sorted({origin.made_for for origin in origins if origin.made_for is not None})
    if len(sizes) > 1:
        raise ConfigError(
            f"image_size: the backbones were trained on images of {', '.join(map(str, sizes))} "
            "pixels a side, and all must be measured on the same images. Give --image-size."
        )
    return sizes[0] if sizes else None


def _a_file(text: str, path: Path) -> Path:
    if not path.is_file():
        raise ConfigError(f"{text}: {path} is a folder; wanted a file of weights before the @.")
    return path


def _absent(text: str, path: Path) -> str:
    if text.startswith(("timm:", "torchvision:")):
        return (
            f"names an architecture without weights; wanted FILE@{text}. Nothing is downloaded; "
            "--untrained measures fresh networks."
        )
    return f"there is no file or folder {path}; wanted {FORMS}."
